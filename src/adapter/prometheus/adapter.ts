import { setMaxListeners } from 'node:events';
import type { Clock } from '../../clock.ts';
import type { PrometheusSettings } from '../../config/settings.ts';
import type { Measurement, MeasureRequest, MetricsAdapter, Reading } from '../../eval/measurement.ts';
import { classifyWindow } from '../../eval/reading.ts';
import type { Log } from '../../log.ts';
import { createClient } from './client.ts';
import { Collection } from './collection.ts';
import { askAll, type Tools } from './evaluation.ts';
import type { Unit } from './part.ts';
import { planQueries, sentQueries, type QueryPlan } from './query-plan.ts';
import { createRequestBudget } from './request-budget.ts';
import { createSplitMemory } from './split-memory.ts';

/** Measures SLOs with the HTTP API of Prometheus, or of what speaks it: Thanos, Mimir, VictoriaMetrics. */
export function createPrometheusAdapter(
  settings: PrometheusSettings,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): MetricsAdapter & { close(): Promise<void> } {
  const monotonicMs = () => clock.now().monotonicMs;
  const budget = createRequestBudget(monotonicMs);
  const client = createClient(settings, { clock, log, budget });
  const memory = createSplitMemory(monotonicMs);
  const tools: Tools = { client, memory, budget, clock, attempts: settings.attempts };

  return {
    name: 'prometheus',
    async measure(request, signal) {
      const plan = planQueries(request.slo, request.windows, request.evaluatedAtMs);
      const collected = new Collection();
      const ask = (units: readonly Unit[]) => askAll(units, request, tools, collected, fanOut(signal));
      await ask(plan.units);
      const followUps = plan.followUps((tag) => collected.readings.get(tag));
      await ask(followUps);
      return measurementOf(request, plan, collected, sentQueries([...plan.units, ...followUps]));
    },
    close: () => client.close(),
  };
}

/** The same signal for the many requests of one evaluation, without Node's warning of a leak. */
function fanOut(signal: AbortSignal): AbortSignal {
  const all = AbortSignal.any([signal]);
  setMaxListeners(0, all);
  return all;
}

function measurementOf(
  { windows, evaluatedAtMs }: MeasureRequest,
  plan: QueryPlan,
  { readings, clockSkewMs, warnings, infos }: Collection,
  queries: Measurement['queries'],
): Measurement {
  const asked = (tag: string): Reading => {
    const reading = readings.get(tag);
    if (reading === undefined) throw new Error(`the plan's part ${tag} was not asked`);
    return reading;
  };
  return {
    evaluatedAtMs,
    windows: windows.map((window) => ({
      ...classifyWindow(asked(`good:${window.name}`), asked(`total:${window.name}`)),
      window,
      readAtMs: evaluatedAtMs,
    })),
    ...plan.readChecks((tag) => readings.get(tag)),
    clockSkewMs,
    warnings,
    infos,
    queries,
  };
}

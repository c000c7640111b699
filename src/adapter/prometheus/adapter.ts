import { setMaxListeners } from 'node:events';
import type { Clock } from '../../clock.ts';
import type { PrometheusSettings } from '../../config/settings.ts';
import type { Measurement, MeasureRequest, MetricsAdapter, Reading } from '../../eval/measurement.ts';
import { classifyWindow } from '../../eval/reading.ts';
import type { Log } from '../../log.ts';
import { createClient } from './client.ts';
import { askAll, type Answers, type Tools } from './evaluation.ts';
import { planQueries, type QueryPlan } from './query-plan.ts';
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
      const answers = await askAll(plan, request, tools, fanOut(signal));
      return measurementOf(request, plan, answers);
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

function measurementOf({ windows, evaluatedAtMs }: MeasureRequest, plan: QueryPlan, answers: Answers): Measurement {
  const { readings, clockSkewMs, warnings, infos } = answers;
  const readingOf = (tag: string): Reading => {
    const reading = readings.get(tag);
    if (reading === undefined) throw new Error(`the plan's part ${tag} was not asked`);
    return reading;
  };
  const { notes, ...checks } = plan.readChecks((tag) => readings.get(tag));
  return {
    evaluatedAtMs,
    windows: windows.map((window) => ({
      ...classifyWindow(readingOf(`good:${window.name}`), readingOf(`total:${window.name}`)),
      window,
      readAtMs: evaluatedAtMs,
    })),
    ...checks,
    clockSkewMs,
    warnings,
    infos,
    notes,
    queries: plan.queries,
  };
}

import { setMaxListeners } from 'node:events';
import type { Clock } from '../../clock.ts';
import type { PrometheusSettings } from '../../config/settings.ts';
import type { Measurement, MeasureRequest, MetricsAdapter, Reading } from '../../eval/measurement.ts';
import { classifyWindow } from '../../eval/reading.ts';
import { unmeasured } from '../../eval/unmeasured.ts';
import type { Log } from '../../log.ts';
import type { SourceControl, SourceRequest } from '../../eval/source-control.ts';
import { createBreaker, type Breaker } from './breaker.ts';
import { createClient, type Outcome } from './client.ts';
import { Collection } from './collection.ts';
import { askAll, type Tools } from './evaluation.ts';
import type { Unit } from './part.ts';
import { planQueries, sentQueries, type QueryPlan } from './query-plan.ts';
import { guarded, probeBy, tell } from './guard.ts';
import { createRequestBudget } from './request-budget.ts';
import { createSourceRecord } from './source-record.ts';
import { createSplitMemory } from './split-memory.ts';

export interface PrometheusAdapterOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** After the circuit breaker was tripped or reset. */
  readonly onOrdered?: () => void;
  readonly onRequest?: (request: SourceRequest) => void;
}

/** A probe that takes longer is no answer: it asks for next to nothing. */
const longestProbeMs = 1_000;
/** Connections of their own, so that a probe does not wait behind the queries that it is to judge. */
const probesAtOnce = 3;

/** Measures SLOs with the HTTP API of Prometheus, or of what speaks it: Thanos, Mimir, VictoriaMetrics. */
export function createPrometheusAdapter(
  settings: PrometheusSettings,
  { clock, log, onOrdered = () => undefined, onRequest = () => undefined }: PrometheusAdapterOptions,
): MetricsAdapter & SourceControl & { close(): Promise<void> } {
  const monotonicMs = () => clock.now().monotonicMs;
  const budget = createRequestBudget(monotonicMs);
  const record = createSourceRecord(clock);
  const onAsked = (outcome: Outcome, durationMs: number) => {
    record.asked(outcome, durationMs);
    onRequest(requestOf(outcome, durationMs));
  };
  const client = createClient(settings, {
    ...{ clock, log, budget },
    onAsked(outcome, durationMs) {
      onAsked(outcome, durationMs);
      tell(breaker, outcome);
    },
  });
  const forProbes = { concurrency: probesAtOnce, timeoutMs: Math.min(settings.timeoutMs, longestProbeMs) };
  const prober = createClient({ ...settings, ...forProbes }, { clock, log, budget, onAsked });
  const breaker = createBreaker({ clock, log, probe: probeBy(prober, () => clock.now().wallMs), onOrdered });
  const tools = { ask: guarded(client, breaker), memory: createSplitMemory(monotonicMs), budget, clock };

  return {
    name: 'prometheus',
    measure: (request, signal) => measure(request, { ...tools, attempts: settings.attempts }, breaker, signal),
    breaker,
    health: record.health,
    inFlight: () => client.inFlight() + prober.inFlight(),
    async close() {
      breaker.close();
      await Promise.all([client.close(), prober.close()]);
    },
  };
}

/** One evaluation's questions, unless the circuit breaker is open. */
export async function measure(
  request: MeasureRequest,
  tools: Tools,
  breaker: Pick<Breaker, 'admit'>,
  signal: AbortSignal,
): Promise<Measurement> {
  // One signal for the many requests of one evaluation, without Node's warning of a leak.
  const ending = new AbortController();
  setMaxListeners(0, ending.signal);
  const end = () => {
    ending.abort();
  };
  const admission = breaker.admit(request.priority, end);
  if (admission.kind === 'refused') {
    return unmeasured(request.slo, request.evaluatedAtMs, 'unreachable', admission.detail);
  }
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  try {
    const plan = planQueries(request.slo, request.windows, request.evaluatedAtMs);
    const collected = new Collection();
    const ask = (units: readonly Unit[]) => askAll(units, request, tools, collected, ending.signal);
    await ask(plan.units);
    const followUps = plan.followUps((tag) => collected.readings.get(tag));
    await ask(followUps);
    return measurementOf(request, plan, collected, sentQueries([...plan.units, ...followUps]));
  } finally {
    signal.removeEventListener('abort', end);
    admission.leave();
  }
}

function requestOf(outcome: Outcome, durationMs: number): SourceRequest {
  return outcome.kind === 'answer'
    ? { outcome: 'answered', reason: '', durationMs }
    : { outcome: 'failed', reason: outcome.failure.reason, durationMs };
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

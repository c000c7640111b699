import type { Clock } from '../../clock.ts';
import type { PrometheusSettings } from '../../config/settings.ts';
import type { MetricsAdapter } from '../../eval/measurement.ts';
import type { Log } from '../../log.ts';
import type { SourceControl, SourceRequest } from '../../eval/source-control.ts';
import { createBreaker } from './breaker.ts';
import { createClient, type Outcome } from './client.ts';
import { guarded, probeBy, tell } from './guard.ts';
import { measure } from './measure.ts';
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

function requestOf(outcome: Outcome, durationMs: number): SourceRequest {
  return outcome.kind === 'answer'
    ? { outcome: 'answered', reason: '', durationMs }
    : { outcome: 'failed', reason: outcome.failure.reason, durationMs };
}

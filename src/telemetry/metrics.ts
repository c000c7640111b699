import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { SourceControl, SourceRequest } from '../eval/source-control.ts';
import type { Evaluation } from '../policy/decision-source.ts';
import { failuresOf } from '../policy/data-items.ts';
import { addAccessMetrics, type RefusalCounts } from './access-metrics.ts';
import { addAuditMetrics, type AuditSource, type CountServed } from './audit-metrics.ts';
import { addEdgeMetrics, type EdgeSources } from './edge-metrics.ts';
import { addPrometheusMetrics } from './prometheus-metrics.ts';
import { addReloadMetrics, type OnReload } from './reload-metrics.ts';
import { createSloMetrics, type SloMetricsSources } from './slo-metrics.ts';

export interface MetricsSources extends SloMetricsSources {
  readonly audit: AuditSource;
  /** Whether `/readyz` answers 200. */
  readonly ready: () => boolean;
  /** Evaluations that wait for a turn, and that are under way. */
  readonly load: () => { readonly waiting: number; readonly running: number };
  /** Requests whose key or token was refused, by reason. */
  readonly refusals: RefusalCounts;
  readonly edge: EdgeSources;
  /** Absent with synthetic fixtures. */
  readonly source?: SourceControl | undefined;
  readonly version: string;
}

/** One answered request, as the HTTP server tells it. */
export interface AnsweredRequest {
  /** The route's pattern, never the URL: labels stay bounded. */
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly durationMs: number;
}

export interface Metrics {
  onEvaluated(evaluation: Evaluation, durationMs: number): void;
  onSlotsMissed(count: number): void;
  onAnswered(request: AnsweredRequest): void;
  onSourceRequest(request: SourceRequest): void;
  readonly onServed: CountServed;
  readonly onReload: OnReload;
  /** Prometheus text format. */
  text(): Promise<{ readonly contentType: string; readonly body: string }>;
}

/** The gate's own metrics, in a registry of their own. What the program counts anyway is read when Prometheus asks. */
export function createMetrics(sources: MetricsSources): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  // Gauges with the suffix of a counter, which promtool refuses; each stands there without it, too.
  for (const what of ['handles', 'requests', 'resources']) registry.removeSingleMetric(`nodejs_active_${what}_total`);

  const evaluations = new Counter({
    name: 'aegis_evaluations_total',
    help: 'Evaluations by outcome: ok, no_data, failed; reason of the first failed query.',
    labelNames: ['outcome', 'reason'],
    registers,
  });
  const evaluationSeconds = new Histogram({
    name: 'aegis_evaluation_duration_seconds',
    help: 'Time from asking for an evaluation to its decision, the queue included.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 8, 10],
    registers,
  });
  const slotsMissed = new Counter({
    name: 'aegis_evaluation_slots_missed_total',
    help: 'Slots that passed while an earlier evaluation of the same SLO was under way.',
    registers,
  });
  const requests = new Counter({
    name: 'aegis_http_requests_total',
    help: 'HTTP requests answered.',
    labelNames: ['route', 'method', 'status'],
    registers,
  });
  const requestSeconds = new Histogram({
    name: 'aegis_http_request_duration_seconds',
    help: 'Time from a request to the end of its answer.',
    labelNames: ['route'],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10],
    registers,
  });
  addProgramGauges(registers, sources);
  const onServed = addAuditMetrics(registry, sources.audit);
  addAccessMetrics(registers, sources.refusals);
  addEdgeMetrics(registers, sources.edge);
  const onSourceRequest = addPrometheusMetrics(registers, sources.source);
  const onReload = addReloadMetrics(registers, sources.catalogue);
  const slos = createSloMetrics(registers, sources);

  return {
    onEvaluated(evaluation, durationMs) {
      slos.onEvaluated(evaluation);
      evaluations.inc(outcomeOf(evaluation));
      evaluationSeconds.observe(durationMs / 1000);
    },
    onSlotsMissed: (count) => slotsMissed.inc(count),
    onAnswered({ route, method, status, durationMs }) {
      requests.inc({ route, method, status: String(status) });
      requestSeconds.observe({ route }, durationMs / 1000);
    },
    onServed,
    onReload,
    onSourceRequest,
    async text() {
      slos.refresh();
      return { contentType: registry.contentType, body: await registry.metrics() };
    },
  };
}

function outcomeOf({ slo, measurement }: Evaluation): { outcome: string; reason: string } {
  const [failed] = failuresOf(slo, measurement);
  if (failed !== undefined) return { outcome: 'failed', reason: failed.failure.reason };
  const isEmpty = measurement.windows.some((window) => window.state === 'noData');
  return { outcome: isEmpty ? 'no_data' : 'ok', reason: '' };
}

function addProgramGauges(registers: Registry[], { catalogue, load, ready, version }: MetricsSources): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  new Gauge({
    name: 'aegis_build_info',
    help: 'Always 1; its labels tell the version.',
    labelNames: ['version', 'node'],
    registers,
  }).set({ version, node: process.version }, 1);
  gauge('aegis_ready', '1 where there are decisions to be had, as /readyz says it.', () => (ready() ? 1 : 0));
  gauge('aegis_slos_loaded', 'SLOs that are served.', () => catalogue.current().slos.size);
  gauge('aegis_slo_files_in_error', 'SLO files that did not load as they stand.', () => {
    return catalogue.current().filesInError.length;
  });
  gauge('aegis_evaluations_waiting', 'Evaluations that wait for a turn.', () => load().waiting);
  gauge('aegis_evaluations_running', 'Evaluations under way.', () => load().running);
}

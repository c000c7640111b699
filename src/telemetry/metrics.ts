import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { SourceControl, SourceRequest } from '../eval/source-control.ts';
import type { Evaluation } from '../policy/decision-source.ts';
import { addAccessMetrics, type RefusalCounts } from './access-metrics.ts';
import { addAuditMetrics, type AuditSource, type CountServed } from './audit-metrics.ts';
import { addEdgeMetrics, type EdgeSources } from './edge-metrics.ts';
import { addPrometheusMetrics } from './prometheus-metrics.ts';
import { addPerformanceMetrics, type PerformanceReport } from './performance-metrics.ts';
import { addReloadMetrics, type OnReload } from './reload-metrics.ts';
import type { AnsweredRequest } from './request-metrics.ts';
import { createSloMetrics, type SloMetricsSources } from './slo-metrics.ts';
import { addSystemMetrics, type SystemSources } from './system-metrics.ts';

export interface MetricsSources extends SloMetricsSources, SystemSources {
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
  readonly monotonicMs: () => number;
}

export interface MetricValue {
  readonly labels: Readonly<Record<string, string | number | undefined>>;
  readonly value: number;
}

export interface Metrics {
  onEvaluated(evaluation: Evaluation, durationMs: number): void;
  onSlotsMissed(count: number): void;
  onSlotTaken(latenessMs: number): void;
  onAnswered(request: AnsweredRequest): void;
  onSourceRequest(request: SourceRequest): void;
  readonly onServed: CountServed;
  performance(): PerformanceReport;
  /** The series of one metric as they are now; none where there is no such metric, or it is one of single SLOs. */
  read(name: string): Promise<readonly MetricValue[]>;
  readonly onReload: OnReload;
  /** Prometheus text format. */
  text(): Promise<{ readonly contentType: string; readonly body: Buffer }>;
}

/** The gate's own metrics, in a registry of their own. What the program counts anyway is read when Prometheus asks. */
export function createMetrics(sources: MetricsSources): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  // Gauges with the suffix of a counter, which promtool refuses; each stands there without it, too.
  for (const what of ['handles', 'requests', 'resources']) registry.removeSingleMetric(`nodejs_active_${what}_total`);

  const slotsMissed = new Counter({
    name: 'aegis_evaluation_slots_missed_total',
    help: 'Slots that passed while an earlier evaluation of the same SLO was under way.',
    registers,
  });
  addProgramGauges(registers, sources);
  const onServed = addAuditMetrics(registry, sources.audit);
  addAccessMetrics(registers, sources.refusals);
  addEdgeMetrics(registers, sources.edge);
  addSystemMetrics(registers, sources);
  const onSourceRequest = addPrometheusMetrics(registers, sources.source);
  const performance = addPerformanceMetrics(registers, sources.catalogue, sources.monotonicMs);
  const onReload = addReloadMetrics(registers, sources.catalogue);
  const slos = createSloMetrics(sources);

  return {
    onEvaluated(evaluation, durationMs) {
      slos.onEvaluated(evaluation);
      performance.onEvaluated(evaluation, durationMs);
    },
    onSlotsMissed: (count) => slotsMissed.inc(count),
    onSlotTaken: (latenessMs) => performance.onSlotTaken(latenessMs),
    onAnswered: (request) => performance.onAnswered(request),
    performance: () => performance.report(),
    async read(name) {
      const { values = [] } = (await registry.getSingleMetric(name)?.get()) ?? {};
      return values;
    },
    onServed,
    onReload,
    onSourceRequest,
    async text() {
      const others = Buffer.from(await registry.metrics());
      return { contentType: registry.contentType, body: Buffer.concat([others, ...(await slos.text())]) };
    },
  };
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

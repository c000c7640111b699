import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { LoadedSlo, SloCatalogue } from '../catalogue/ports.ts';
import { standingDecision } from '../policy/answer.ts';
import type { DecisionSource, Evaluation } from '../policy/decision-source.ts';
import { failuresOf } from '../policy/data-items.ts';
import { decisions } from '../slo/decision.ts';
import type { EvaluationLogStats } from '../storage/ports.ts';
import { addReloadMetrics, type OnReload } from './reload-metrics.ts';

export interface MetricsSources {
  readonly catalogue: SloCatalogue;
  readonly decisions: Pick<DecisionSource, 'current'>;
  readonly audit: () => EvaluationLogStats;
  /** Evaluations that wait for a turn, and that are under way. */
  readonly load: () => { readonly waiting: number; readonly running: number };
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
  const onReload = addReloadMetrics(registers, sources.catalogue);
  const refreshSloGauges = createSloGauges(registers, sources);

  return {
    onEvaluated(evaluation, durationMs) {
      evaluations.inc(outcomeOf(evaluation));
      evaluationSeconds.observe(durationMs / 1000);
    },
    onSlotsMissed: (count) => slotsMissed.inc(count),
    onAnswered({ route, method, status, durationMs }) {
      requests.inc({ route, method, status: String(status) });
      requestSeconds.observe({ route }, durationMs / 1000);
    },
    onReload,
    async text() {
      refreshSloGauges();
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

function addProgramGauges(registers: Registry[], { catalogue, audit, load, version }: MetricsSources): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  // Counts kept elsewhere: shown as counters, set rather than incremented.
  const counter = (name: string, help: string, read: () => number) =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  new Gauge({
    name: 'aegis_build_info',
    help: 'Always 1; its labels tell the version.',
    labelNames: ['version', 'node'],
    registers,
  }).set({ version, node: process.version }, 1);
  gauge('aegis_slos_loaded', 'SLOs that are served.', () => catalogue.current().slos.size);
  gauge('aegis_slo_files_in_error', 'SLO files that did not load as they stand.', () => {
    return catalogue.current().filesInError.length;
  });
  gauge('aegis_evaluations_waiting', 'Evaluations that wait for a turn.', () => load().waiting);
  gauge('aegis_evaluations_running', 'Evaluations under way.', () => load().running);
  counter('aegis_audit_rows_stored_total', 'Audit rows committed.', () => audit().stored);
  gauge('aegis_audit_rows_waiting', 'Audit rows that wait for a commit.', () => audit().waiting);
  counter('aegis_audit_rows_dropped_total', 'Audit rows lost because too many waited.', () => audit().dropped);
}

/** Gauges of each SLO that is served. Returns what fills them anew, so that a removed SLO leaves nothing behind. */
function createSloGauges(registers: Registry[], { catalogue, decisions: source }: MetricsSources): () => void {
  const slo = ['slo', 'service', 'environment'] as const;
  const gauge = (name: string, help: string, labelNames: readonly string[] = slo) =>
    new Gauge({ name, help, labelNames: [...labelNames], registers });
  const decision = gauge('aegis_slo_decision', 'The decision as it is served now: 1 for the one that stands.', [
    ...slo,
    'decision',
  ]);
  const burnRate = gauge('aegis_slo_burn_rate', 'Burn rate by window; absent where it is not known.', [
    ...slo,
    'window',
  ]);
  const budget = gauge('aegis_slo_error_budget_remaining_ratio', 'Error budget left in the compliance window, 0 to 1.');
  const sli = gauge('aegis_slo_sli_ratio', 'good / total in the compliance window.');
  const age = gauge('aegis_slo_decision_age_seconds', 'Seconds since the latest evaluation.');
  const sample = gauge('aegis_slo_newest_sample_age_seconds', 'Age of the oldest source of the SLO at its evaluation.');

  function add({ slo: loaded }: LoadedSlo): void {
    const served = source.current(loaded.id);
    if (served === undefined) return;
    const labels = { slo: loaded.id, service: loaded.service, environment: loaded.environment };
    const { result, measurement } = served.evaluation;
    const standing = standingDecision(served).decision;
    for (const one of decisions) decision.set({ ...labels, decision: one }, one === standing ? 1 : 0);
    for (const { window, state, burnRate: rate } of result.windows) {
      if (state === 'ok' && rate !== null) burnRate.set({ ...labels, window: window.name }, rate);
    }
    // A window without data answers with 0 and a full budget: numbers that a graph would take for an outage, or for health.
    const [compliance] = result.windows;
    if (compliance?.state === 'ok') {
      if (result.sli.budgetRemaining !== null) budget.set(labels, result.sli.budgetRemaining);
      if (result.sli.value !== null) sli.set(labels, result.sli.value);
    }
    age.set(labels, served.ageMs / 1000);
    if (measurement.freshness.state !== 'ok') return;
    const known = measurement.freshness.ages.flatMap(({ ageMs }) => (ageMs === null ? [] : [ageMs]));
    if (known.length > 0) sample.set(labels, Math.max(...known) / 1000);
  }

  return () => {
    for (const one of [decision, burnRate, budget, sli, age, sample]) one.reset();
    for (const loaded of catalogue.current().slos.values()) add(loaded);
  };
}

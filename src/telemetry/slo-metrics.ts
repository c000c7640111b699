import { Counter, Gauge, type Registry } from 'prom-client';
import type { LoadedSlo, SloCatalogue } from '../catalogue/ports.ts';
import { standingDecision } from '../policy/answer.ts';
import { failuresOf } from '../policy/data-items.ts';
import type { DecisionSource, Evaluation } from '../policy/decision-source.ts';
import { decisions } from '../slo/decision.ts';

export interface SloMetricsSources {
  readonly catalogue: SloCatalogue;
  readonly decisions: Pick<DecisionSource, 'current'>;
}

export interface SloMetrics {
  onEvaluated(evaluation: Evaluation): void;
  /** Fills them anew, so that a removed SLO leaves nothing behind. */
  refresh(): void;
}

/** What is told of each SLO that is served. */
export function createSloMetrics(
  registers: Registry[],
  { catalogue, decisions: source }: SloMetricsSources,
): SloMetrics {
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

  const interval = gauge('aegis_slo_evaluation_interval_seconds', 'Time between two scheduled evaluations.');
  const failed = new Counter({
    name: 'aegis_slo_evaluations_failed_total',
    help: 'Evaluations of an SLO in which a query failed.',
    labelNames: [...slo],
    registers,
  });
  const failures = new Map<string, number>();

  function add({ slo: loaded }: LoadedSlo): void {
    const labels = { slo: loaded.id, service: loaded.service, environment: loaded.environment };
    interval.set(labels, loaded.evaluationInterval.ms / 1000);
    // From 0 on, so that the first failure is an increase.
    failed.inc(labels, failures.get(loaded.id) ?? 0);
    const served = source.current(loaded.id);
    if (served === undefined) return;
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

  return {
    onEvaluated({ slo: evaluated, measurement }) {
      if (failuresOf(evaluated, measurement).length === 0) return;
      failures.set(evaluated.id, (failures.get(evaluated.id) ?? 0) + 1);
    },
    refresh() {
      const { slos } = catalogue.current();
      for (const id of failures.keys()) if (!slos.has(id)) failures.delete(id);
      for (const one of [decision, burnRate, budget, sli, age, sample, interval, failed]) one.reset();
      for (const loaded of slos.values()) add(loaded);
    },
  };
}

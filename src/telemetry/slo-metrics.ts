import { setImmediate } from 'node:timers/promises';
import type { LoadedSlo, SloCatalogue } from '../catalogue/ports.ts';
import { standingDecision } from '../policy/answer.ts';
import { failuresOf } from '../policy/data-items.ts';
import type { DecisionSource, Evaluation } from '../policy/decision-source.ts';
import { windowResults } from '../policy/windows.ts';
import { decisions } from '../slo/decision.ts';
import { createFamilies, labelText, type Families } from './metric-text.ts';

export interface SloMetricsSources {
  readonly catalogue: SloCatalogue;
  readonly decisions: Pick<DecisionSource, 'current'>;
}

export interface SloMetrics {
  onEvaluated(evaluation: Evaluation): void;
  /** Prometheus text format, made anew, so that a removed SLO leaves nothing behind. */
  text(): Promise<readonly Buffer[]>;
}

/** Some milliseconds of work. */
const slosATurn = 100;

const described = {
  aegis_slo_decision: ['gauge', 'The decision as it is served now: 1 for the one that stands.'],
  aegis_slo_burn_rate: ['gauge', 'Burn rate by window; absent where it is not known.'],
  aegis_slo_error_budget_remaining_ratio: ['gauge', 'Error budget left in the compliance window, 0 to 1.'],
  aegis_slo_sli_ratio: ['gauge', 'good / total in the compliance window.'],
  aegis_slo_decision_age_seconds: ['gauge', 'Seconds since the latest evaluation.'],
  aegis_slo_newest_sample_age_seconds: ['gauge', 'Age of the oldest source of the SLO at its evaluation.'],
  aegis_slo_evaluation_interval_seconds: ['gauge', 'Time between two scheduled evaluations.'],
  aegis_slo_evaluations_failed_total: ['counter', 'Evaluations of an SLO in which a query failed.'],
} as const;

/**
 * What is told of each SLO that is served. It is written as text from what is known of the SLO anyway, a hundred SLOs a
 * turn of the event loop: as series of prom-client ten thousand SLOs would be 100 MB of objects, and seconds in one turn.
 */
export function createSloMetrics({ catalogue, decisions: source }: SloMetricsSources): SloMetrics {
  /** Of those that ever failed. */
  const failures = new Map<string, number>();

  function add({ slo }: LoadedSlo, families: Families<keyof typeof described>): void {
    const labels = labelText({ slo: slo.id, service: slo.service, environment: slo.environment });
    families.add('aegis_slo_evaluation_interval_seconds', labels, slo.evaluationInterval.ms / 1000);
    // From 0 on, so that the first failure is an increase.
    families.add('aegis_slo_evaluations_failed_total', labels, failures.get(slo.id) ?? 0);
    const served = source.current(slo.id);
    if (served === undefined) return;
    const { result, measurement } = served.evaluation;
    const windows = windowResults(served.evaluation.slo, measurement.windows);
    const standing = standingDecision(served).decision;
    for (const one of decisions) {
      families.add('aegis_slo_decision', `${labels},decision="${one}"`, one === standing ? 1 : 0);
    }
    for (const { window, state, burnRate } of windows) {
      if (state !== 'ok' || burnRate === null) continue;
      families.add('aegis_slo_burn_rate', `${labels},${labelText({ window: window.name })}`, burnRate);
    }
    // A window without data answers with 0 and a full budget: numbers that a graph would take for an outage, or for health.
    const [compliance] = windows;
    if (compliance?.state === 'ok') {
      const { budgetRemaining, value } = result.sli;
      if (budgetRemaining !== null) families.add('aegis_slo_error_budget_remaining_ratio', labels, budgetRemaining);
      if (value !== null) families.add('aegis_slo_sli_ratio', labels, value);
    }
    families.add('aegis_slo_decision_age_seconds', labels, served.ageMs / 1000);
    if (measurement.freshness.state !== 'ok') return;
    const known = measurement.freshness.ages.flatMap(({ ageMs }) => (ageMs === null ? [] : [ageMs]));
    if (known.length > 0) families.add('aegis_slo_newest_sample_age_seconds', labels, Math.max(...known) / 1000);
  }

  return {
    onEvaluated({ slo: evaluated, measurement }) {
      if (failuresOf(evaluated, measurement).length === 0) return;
      failures.set(evaluated.id, (failures.get(evaluated.id) ?? 0) + 1);
    },
    async text() {
      const { slos } = catalogue.current();
      for (const id of failures.keys()) if (!slos.has(id)) failures.delete(id);
      const families = createFamilies(described);
      let written = 0;
      for (const loaded of slos.values()) {
        add(loaded, families);
        written += 1;
        if (written % slosATurn !== 0) continue;
        families.pack();
        await setImmediate();
      }
      return families.end();
    },
  };
}

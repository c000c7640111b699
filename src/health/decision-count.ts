import type { SloCatalogue } from '../catalogue/ports.ts';
import { failuresOf } from '../policy/data-items.ts';
import type { DecisionSource } from '../policy/decision-source.ts';

/** How the decisions stand that are served now. */
export interface DecisionCount {
  readonly slos: number;
  readonly evaluated: number;
  /** Older than twice their interval. */
  readonly overdue: number;
  /** Whose latest evaluation had a query without an answer; one that is refused as such is the SLO's own fault. */
  readonly unanswered: number;
}

export function countDecisions(catalogue: SloCatalogue, decisions: Pick<DecisionSource, 'current'>): DecisionCount {
  const { slos } = catalogue.current();
  let [evaluated, overdue, unanswered] = [0, 0, 0];
  for (const { slo } of slos.values()) {
    const served = decisions.current(slo.id);
    if (served === undefined) continue;
    evaluated += 1;
    if (served.ageMs > 2 * slo.evaluationInterval.ms) overdue += 1;
    const failures = failuresOf(slo, served.evaluation.measurement);
    if (failures.some(({ failure }) => failure.reason !== 'bad-query')) unanswered += 1;
  }
  return { slos: slos.size, evaluated, overdue, unanswered };
}

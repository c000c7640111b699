import type { SloCatalogue } from '../catalogue/ports.ts';
import type { Measurement } from '../eval/measurement.ts';
import { failuresOf } from '../policy/data-items.ts';
import type { DecisionSource, Evaluation } from '../policy/decision-source.ts';

/** How the decisions stand that are served now. */
export interface DecisionCount {
  readonly slos: number;
  readonly evaluated: number;
  /** Older than twice their interval. */
  readonly overdue: number;
  /** Whose latest evaluation had a query without an answer; one that is refused as such is the SLO's own fault. */
  readonly unanswered: number;
}

/** Whether a measurement lacks an answer: found out once, however often the decisions are counted. */
const lacking = new WeakMap<Measurement, boolean>();

function lacksAnswers({ slo, measurement }: Evaluation): boolean {
  const known = lacking.get(measurement);
  if (known !== undefined) return known;
  const found = failuresOf(slo, measurement).some(({ failure }) => failure.reason !== 'bad-query');
  lacking.set(measurement, found);
  return found;
}

export function countDecisions(catalogue: SloCatalogue, decisions: Pick<DecisionSource, 'current'>): DecisionCount {
  const { slos } = catalogue.current();
  let [evaluated, overdue, unanswered] = [0, 0, 0];
  for (const { slo } of slos.values()) {
    const served = decisions.current(slo.id);
    if (served === undefined) continue;
    evaluated += 1;
    if (served.ageMs > 2 * slo.evaluationInterval.ms) overdue += 1;
    if (lacksAnswers(served.evaluation)) unanswered += 1;
  }
  return { slos: slos.size, evaluated, overdue, unanswered };
}

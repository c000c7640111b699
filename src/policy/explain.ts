import type { SentQuery } from '../eval/measurement.ts';
import type { Decision } from '../slo/decision.ts';
import type { Slo } from '../slo/model.ts';
import { parseSloFile } from '../slo/parse.ts';
import type { Evaluation } from './decision-source.ts';
import { evaluationAnswer, type EvaluationAnswer } from './evidence-answer.ts';
import { decodeEvidence } from './evidence.ts';

/** A stored evaluation, as the audit gives it. */
export interface RecordedEvaluation {
  readonly evaluationId: string;
  readonly decision: Decision;
  readonly reasons: readonly string[];
  readonly evidenceJson: string;
  /** The SLO's document as it stood. */
  readonly documentJson: string | null;
  readonly specHash: string | null;
}

/** Makes the queries of an evaluation again: they follow from the SLO and the instant, so that no row keeps them. */
export type QueriesOf = (slo: Slo, evaluatedAtMs: number) => readonly SentQuery[];

/** The evidence of an evaluation that is served, which is known also where its row cannot be read. */
export function explainServed(evaluation: Evaluation, softwareVersion: string, queriesOf: QueriesOf): EvaluationAnswer {
  const { id, slo, adapter, measurement, result } = evaluation;
  return evaluationAnswer({
    ...{ ...evaluation, softwareVersion },
    evaluationId: id,
    queries: adapter === 'prometheus' ? queriesOf(slo, measurement.evaluatedAtMs) : [],
    decision: result.decision,
    reasons: result.items.map((item) => item.reason),
  });
}

/** The evidence of a stored evaluation; null where its row keeps none (rows of the Go original). */
export function explainRecorded(recorded: RecordedEvaluation, queriesOf: QueriesOf): EvaluationAnswer | null {
  if (recorded.documentJson === null) return null;
  const [parsed] = parseSloFile(recorded.documentJson, recorded.evaluationId).slos;
  if (parsed === undefined) return null;
  const { slo } = parsed;
  const evidence = decodeEvidence(recorded.evidenceJson, slo);
  if (evidence === null) return null;
  return evaluationAnswer({
    ...recorded,
    ...evidence,
    slo,
    queries: evidence.adapter === 'prometheus' ? queriesOf(slo, evidence.measurement.evaluatedAtMs) : [],
  });
}

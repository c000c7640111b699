import type { Evaluation } from '../../policy/decision-source.ts';
import { windowResults } from '../../policy/windows.ts';
import type { Slo } from '../../slo/model.ts';
import type { DefinedSlo } from '../ports.ts';
import { instantText } from './instant-text.ts';
import type { DefinitionRow, EvaluationRow, VersionRow } from './messages.ts';

/** The evidence of an evaluation as compact JSON without line breaks. */
export type EncodeEvidence = (evaluation: Evaluation) => string;

/** What the next evaluation may lean on, as text; null: nothing. */
export type EncodeKept = (evaluation: Evaluation) => string | null;

export function evaluationRow(
  evaluation: Evaluation,
  encodeEvidence: EncodeEvidence,
  encodeKept: EncodeKept = () => null,
): EvaluationRow {
  const { slo, measurement, result } = evaluation;
  const compliance = measurement.windows.find((one) => one.window.name === slo.complianceWindow.name);
  // The runbook averages these columns: a window without data must not count as a number.
  const known = compliance?.state === 'ok';
  return {
    evaluationId: evaluation.id,
    sloId: slo.id,
    service: slo.service,
    environment: slo.environment,
    decision: result.decision,
    sli: known ? result.sli.value : null,
    errorRate: known ? result.sli.errorRate : null,
    budgetRemaining: known ? result.sli.budgetRemaining : null,
    isStale: result.isStale ? 1 : 0,
    hasNoTraffic: result.hasNoTraffic ? 1 : 0,
    reasonsJson: JSON.stringify(result.items.map((item) => item.reason)),
    burnRatesJson: burnRatesJson(evaluation),
    timestamp: instantText(evaluation.evaluatedAt.wallMs),
    reasonCodesJson: JSON.stringify(result.items.map((item) => item.code)),
    evidence: encodeEvidence(evaluation),
    specHash: evaluation.specHash,
    keptWindows: encodeKept(evaluation),
  };
}

function burnRatesJson({ slo, measurement }: Evaluation): string {
  const entries = windowResults(slo, measurement.windows).map(({ window, burnRate, threshold }) => [
    window.name,
    { burnRate, threshold },
  ]);
  return JSON.stringify(Object.fromEntries(entries));
}

export function versionRow({ slo, specHash }: DefinedSlo): VersionRow {
  return { specHash, documentJson: JSON.stringify(slo.document) };
}

export function definitionRow(slo: Slo): DefinitionRow {
  return {
    id: slo.id,
    service: slo.service,
    environment: slo.environment,
    objective: slo.objective,
    complianceWindow: slo.complianceWindow.name,
    evaluationInterval: slo.evaluationInterval.text,
    specJson: JSON.stringify(slo.document),
  };
}

import type { WindowState } from '../../src/eval/measurement.ts';
import type { Evaluation } from '../../src/policy/decision-source.ts';
import type { GateItem } from '../../src/policy/gate-result.ts';
import type { Decision } from '../../src/slo/decision.ts';
import type { Slo } from '../../src/slo/model.ts';
import { aMeasurement, anEvaluation } from '../support/evaluation.ts';
import { anSlo } from '../support/slo.ts';

export interface EvaluationParts {
  readonly slo?: Slo;
  readonly atMs?: number;
  readonly decision?: Decision;
  readonly items?: readonly GateItem[];
  /** What was read for the compliance window, where that is not healthy. */
  readonly compliance?: WindowState;
  readonly specHash?: string;
}

let made = 0;

/** An evaluation for the audit: of now, and with an id that grows with the order in which they are made. */
export function makeEvaluation(parts: EvaluationParts = {}): Evaluation {
  const { slo = anSlo(), atMs = Date.now(), compliance } = parts;
  const windows = compliance === undefined ? {} : { [slo.complianceWindow.name]: compliance };
  const evaluation = anEvaluation({ slo, measurement: aMeasurement(slo, windows, { evaluatedAtMs: atMs }) });
  const { decision = evaluation.result.decision, items = evaluation.result.items } = parts;
  return {
    ...evaluation,
    id: idAt(atMs),
    specHash: parts.specHash ?? `hash-of-${slo.id}`,
    result: { ...evaluation.result, decision, items },
  };
}

export function makeEvaluations(count: number, parts: EvaluationParts = {}): Evaluation[] {
  return Array.from({ length: count }, () => makeEvaluation(parts));
}

function idAt(atMs: number): string {
  const time = atMs.toString(16).padStart(12, '0');
  const order = (made++).toString(16).padStart(6, '0');
  const maker = process.pid.toString(16).padStart(6, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${maker}${order}`;
}

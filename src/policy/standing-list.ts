import type { Slo } from '../slo/model.ts';
import type { Decision } from '../slo/decision.ts';
import { standingDecision } from './answer.ts';
import type { Served } from './decision-source.ts';
import type { ReasonCode } from './gate-result.ts';
import { numbersOf } from './windows.ts';

/** One SLO in the body of `GET /v1/decisions` (docs/api.md): what would be answered now, were its decision asked for. */
export interface ListedDecision {
  readonly sloID: string;
  readonly service: string;
  readonly environment: string;
  readonly decision: Decision;
  readonly reasons: readonly string[];
  readonly reasonCodes: readonly ReasonCode[];
  /** Names. */
  readonly triggeredRules: readonly string[];
  readonly budgetRemaining: number | null;
  readonly evaluationInterval: string;
  /** The evaluation interval in seconds. */
  readonly ttl: number;
  /** null, as the two below, where it was not evaluated yet. */
  readonly evaluationID: string | null;
  /** RFC 3339 UTC: the instant of the evaluation. */
  readonly timestamp: string | null;
  /** Seconds since the evaluation. */
  readonly age: number | null;
}

/** The decision of an SLO at its age; one that was not evaluated yet is a WARN. */
export function listedDecision(slo: Slo, served: Served | undefined): ListedDecision {
  const { id, service, environment, evaluationInterval } = slo;
  const about = { sloID: id, service, environment };
  const every = { evaluationInterval: evaluationInterval.text, ttl: evaluationInterval.ms / 1000 };
  if (served === undefined) {
    const known = { triggeredRules: [], budgetRemaining: null, evaluationID: null, timestamp: null, age: null };
    return {
      ...about,
      decision: 'WARN',
      reasons: ['not evaluated yet'],
      reasonCodes: ['not_evaluated'],
      ...every,
      ...known,
    };
  }
  const { evaluation, ageMs } = served;
  const { decision, items } = standingDecision(served);
  const { rules } = numbersOf(evaluation.slo, evaluation.measurement);
  return {
    ...about,
    decision,
    reasons: items.map(({ reason }) => reason),
    reasonCodes: items.map(({ code }) => code),
    triggeredRules: rules.filter(({ triggered }) => triggered).map(({ name }) => name),
    budgetRemaining: evaluation.result.sli.budgetRemaining,
    ...every,
    evaluationID: evaluation.id,
    timestamp: new Date(evaluation.evaluatedAt.wallMs).toISOString(),
    age: Math.round(ageMs) / 1000,
  };
}

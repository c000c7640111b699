import { worst, type Decision } from '../slo/decision.ts';
import type { Served } from './decision-source.ts';
import type { GateItem, ReasonCode, RuleResult } from './gate-result.ts';
import { isHeldAt } from './hold.ts';
import { burnRatesOf, numbersOf } from './windows.ts';
import { roughDuration } from './wording.ts';

/** The answer of `POST /v1/gate/decision` (docs/api.md). */
export interface DecisionAnswer {
  readonly decision: Decision;
  readonly sloID: string;
  /** RFC 3339 UTC: the instant of the evaluation. */
  readonly timestamp: string;
  /** The evaluation interval in seconds. */
  readonly ttl: number;
  readonly sli: {
    readonly value: number | null;
    readonly errorRate: number | null;
    readonly budgetRemaining: number | null;
  };
  readonly reasons: readonly string[];
  readonly reasonCodes: readonly ReasonCode[];
  readonly burnRates: Readonly<Record<string, { readonly burnRate: number | null; readonly threshold?: number }>>;
  readonly rules: readonly RuleResult[];
  readonly isStale: boolean;
  readonly hasNoTraffic: boolean;
  readonly evaluationID: string;
  readonly evaluationInterval: string;
  /** Seconds since the evaluation. */
  readonly age: number;
  readonly adapter: string;
  readonly notes: readonly string[];
  readonly audited?: boolean;
}

/** What an evaluation counts as at a later moment. */
export interface StandingDecision {
  readonly decision: Decision;
  readonly items: readonly GateItem[];
}

/**
 * The decision at an age: a held BLOCK ends at twice the interval after it was measured, and nothing older than twice
 * the interval is an ALLOW. Every route that tells a decision tells this one.
 */
export function standingDecision(served: Served): StandingDecision {
  const { ageMs } = served;
  const { slo, result } = served.evaluation;
  const { isHeld, isOverdue } = standingOf(served);
  const current = isHeld ? result.items : result.items.filter((item) => item.code !== 'held');
  const items = isOverdue
    ? [...current.filter((item) => item.code !== 'ok'), overdue(ageMs, slo.evaluationInterval.text)]
    : current;
  return { decision: worst(items.map((item) => item.decision)), items };
}

/** What time alone makes of an evaluation: nothing else about its answer changes with its age, but the age itself. */
export function standingOf({ evaluation, ageMs, heldBlockAgeMs }: Served): {
  readonly isHeld: boolean;
  readonly isOverdue: boolean;
} {
  return {
    isHeld: heldBlockAgeMs !== undefined && isHeldAt(heldBlockAgeMs, evaluation.slo),
    isOverdue: ageMs > 2 * evaluation.slo.evaluationInterval.ms,
  };
}

function overdue(ageMs: number, interval: string): GateItem {
  const reason = `decision is overdue (evaluated ${roughDuration(ageMs)} ago, interval ${interval})`;
  return { code: 'overdue', decision: 'WARN', reason };
}

/** The body of the answer: a pure function of the evaluation and its age. */
export function answerOf(served: Served): DecisionAnswer {
  const { slo, result, ...evaluation } = served.evaluation;
  const { decision, items } = standingDecision(served);
  const { windows, rules } = numbersOf(slo, evaluation.measurement);
  return {
    decision,
    sloID: slo.id,
    timestamp: new Date(evaluation.evaluatedAt.wallMs).toISOString(),
    ttl: slo.evaluationInterval.ms / 1000,
    sli: result.sli,
    reasons: items.map((item) => item.reason),
    reasonCodes: items.map((item) => item.code),
    burnRates: burnRatesOf(windows),
    rules,
    isStale: result.isStale,
    hasNoTraffic: result.hasNoTraffic,
    evaluationID: evaluation.id,
    evaluationInterval: slo.evaluationInterval.text,
    age: Math.round(served.ageMs) / 1000,
    adapter: evaluation.adapter,
    notes: result.notes,
    ...(served.audited !== undefined && { audited: served.audited }),
  };
}

import type { Decision } from '../slo/decision.ts';
import type { Window } from '../slo/model.ts';

/** Why a decision is what it is, for programs. The set grows: a client takes an unknown code as unproven. */
export const reasonCodes = [
  'rule_triggered',
  'held',
  'query_failed',
  'stale',
  'overdue',
  'no_traffic',
  'missing_total',
  'missing_good',
  'few_points',
  'impossible_data',
  'gaps',
  'partial',
  'clock_skew',
  'not_evaluated',
  'file_error',
  'ok',
] as const;

export type ReasonCode = (typeof reasonCodes)[number];

/** One finding of the policy. The decision is the worst of all; `reasons` and `reasonCodes` are made from them, in order. */
export interface GateItem {
  readonly code: ReasonCode;
  readonly decision: Decision;
  readonly reason: string;
}

/** The numbers of one window; null where a query failed, 0 where there is no data. */
export interface WindowResult {
  readonly window: Window;
  readonly state: 'ok' | 'noData' | 'failed';
  /** good / total. */
  readonly value: number | null;
  readonly errorRate: number | null;
  /** errorRate / errorBudget. */
  readonly burnRate: number | null;
  /** That of the first rule that names the window. */
  readonly threshold?: number;
}

export interface RuleResult {
  readonly name: string;
  readonly action: Decision;
  readonly triggered: boolean;
  readonly shortWindow: string;
  readonly longWindow: string;
  readonly shortBurnRate: number | null;
  readonly longBurnRate: number | null;
  readonly threshold: number;
}

/** A rule that was measured to block, and how old that measurement is. */
export interface BlockingRule {
  readonly rule: string;
  /** The reason as it was given then. */
  readonly reason: string;
  readonly ageMs: number;
}

/** The numbers of a measurement: they follow from it, so that what is held of an evaluation is without them. */
export interface GateNumbers {
  readonly windows: readonly WindowResult[];
  readonly rules: readonly RuleResult[];
}

/** What the policy made of a measurement. */
export interface GateResult extends Verdict, GateNumbers {}

/** What it concluded. */
export interface Verdict {
  readonly decision: Decision;
  readonly items: readonly GateItem[];
  /** Of the compliance window. */
  readonly sli: {
    readonly value: number | null;
    readonly errorRate: number | null;
    /** Clamped to 0…1. */
    readonly budgetRemaining: number | null;
  };
  readonly isStale: boolean;
  readonly hasNoTraffic: boolean;
  readonly notes: readonly string[];
  /** The rules that block by measurement: what the next evaluation is told as `previous`, older by then. */
  readonly blocking: readonly BlockingRule[];
  /** Where a `held` item stands: how old, at this evaluation, the youngest measured BLOCK was that it rests on. */
  readonly heldBlockAgeMs?: number;
}

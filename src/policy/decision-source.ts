import type { Instant } from '../clock.ts';
import type { KeptWindows } from '../eval/kept.ts';
import type { Measurement } from '../eval/measurement.ts';
import type { Trace } from '../eval/trace.ts';
import type { Slo } from '../slo/model.ts';
import type { BlockingRule, Verdict } from './gate-result.ts';

/** A rule that an evaluation blocks by, as it was measured then, or before where it is held. */
export interface MeasuredBlock {
  readonly rule: string;
  readonly reason: string;
  readonly measuredAt: Instant;
}

/** One evaluation of one SLO at one instant: what is served, logged and stored. */
export interface Evaluation {
  /** UUIDv7. */
  readonly id: string;
  readonly slo: Slo;
  /** Hash of the SLO as it stood (slo/hash.ts). */
  readonly specHash: string;
  readonly evaluatedAt: Instant;
  readonly adapter: 'prometheus' | 'synthetic';
  readonly measurement: Measurement;
  /** The rules whose BLOCK was measured before, as the policy was told them. */
  readonly previous: readonly BlockingRule[];
  /** What it blocks by, in the order of `result.blocking`. */
  readonly blocks: readonly MeasuredBlock[];
  /** The numbers of windows and rules are made anew where they are told (`numbersOf`). */
  readonly result: Verdict;
  /** What the next evaluation may lean on. */
  readonly kept: KeptWindows | null;
}

/** An evaluation as it is served: with its age at this moment. */
export interface Served {
  readonly evaluation: Evaluation;
  readonly ageMs: number;
  /** Where it holds a BLOCK: how old the youngest measurement of one is at this moment. */
  readonly heldBlockAgeMs?: number;
  /** Only of an evaluation made for this request: whether its audit row is committed. */
  readonly audited?: boolean;
}

/** What `api/` knows of evaluating. The scheduler implements it; a worker process or a replica may later. */
export interface DecisionSource {
  /** The latest evaluation of an SLO; undefined where it is unknown or was not evaluated yet. */
  current(sloId: string): Served | undefined;
  /**
   * Evaluates now, ahead of the queue, within the deadline for forced evaluations; concurrent calls for one SLO share
   * one evaluation, in the trace of the first of them. Never rejects for anything outside the program. Undefined where
   * the SLO is unknown.
   */
  evaluateNow(sloId: string, reason: 'forced' | 'first', trace?: Trace): Promise<Served | undefined>;
}

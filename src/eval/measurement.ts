import type { Slo, Window } from '../slo/model.ts';
import type { KeptWindows } from './kept.ts';
import type { Trace } from './trace.ts';

/** Why a query gave no answer: a closed set, also the label of the metric. */
export const failureReasons = [
  'timeout',
  'unreachable',
  'auth',
  'rate-limited',
  'bad-query',
  'server',
  'malformed',
] as const;

export type FailureReason = (typeof failureReasons)[number];

/** Which question to the metrics source a failure belongs to. */
export const queryRoles = ['good', 'total', 'freshness', 'points', 'coverage'] as const;

export type QueryRole = (typeof queryRoles)[number];

export interface Failure {
  readonly role: QueryRole;
  readonly reason: FailureReason;
  /** One sentence for people, with the source's own words; no secrets. */
  readonly detail: string;
  /** How often it was asked. */
  readonly attempts: number;
}

/** What was read of a query that succeeded, or why it failed. */
export type Reading =
  | { readonly kind: 'series'; readonly values: readonly number[] } // one value a series; none: no series matched
  | { readonly kind: 'failed'; readonly failure: Failure };

export const noDataCauses = ['total is 0', 'total is 0 but good is not', 'no series match', 'NaN'] as const;

export type NoDataCause = (typeof noDataCauses)[number];

/** What is known of one window; failed goes before no data, no data before ok (docs/evaluation.md). */
export type WindowState =
  | {
      readonly state: 'ok';
      /** As read, so it may exceed `total`; 0 where `goodMissing`. */
      readonly good: number;
      readonly total: number;
      /** The good query returned no series while total has traffic. */
      readonly goodMissing: boolean;
    }
  | { readonly state: 'noData'; readonly cause: NoDataCause }
  | { readonly state: 'failed'; readonly failure: Failure };

export type WindowMeasurement = WindowState & {
  readonly window: Window;
  /** Epoch milliseconds of the instant that good and total were read for. */
  readonly readAtMs: number;
};

/** Age of the newest sample of one group of selectors (those of one metric name). */
export interface SampleAge {
  /** Metric name, or the selector where it has none. */
  readonly metric: string;
  /** null: no sample over the longest rule window, so its age is not known. */
  readonly ageMs: number | null;
}

export type Freshness =
  | { readonly state: 'ok'; readonly ages: readonly SampleAge[] }
  | { readonly state: 'failed'; readonly failure: Failure };

/** A count or a ratio that the policy compares with what `gating` asks for. */
export type Gauge =
  | {
      readonly state: 'ok';
      readonly value: number;
      /** Epoch milliseconds of the instant that it was read for, where that is not the evaluation's own. */
      readonly readAtMs?: number;
      /** Counted from the first sample, as the series is younger than the window. */
      readonly ofYoung?: boolean;
    }
  | { readonly state: 'notMeasured' } // the source has no notion of it, and it is not enforced
  | { readonly state: 'failed'; readonly failure: Failure };

/** A query as it is sent, to be shown as evidence and pasted into Prometheus. */
export interface SentQuery {
  readonly role: QueryRole;
  readonly window?: string;
  readonly promql: string;
}

/** Everything that one evaluation learned of an SLO from its metrics source. */
export interface Measurement {
  /** Epoch milliseconds that the queries were evaluated at. */
  readonly evaluatedAtMs: number;
  /** One for each window of `windowsOf(slo)`, in that order. */
  readonly windows: readonly WindowMeasurement[];
  readonly freshness: Freshness;
  /** Samples of total's selectors in the shortest rule window. */
  readonly points: Gauge;
  /** Share (0 to 1) of the longest rule window in which total's selectors have samples. */
  readonly coverage: Gauge;
  /** The source's clock minus ours; null where the source does not say. */
  readonly clockSkewMs: number | null;
  /** The source's word that its answer is partial or doubtful, in its own words. */
  readonly warnings: readonly string[];
  /** The source's remarks that change nothing. */
  readonly infos: readonly string[];
  /** The adapter's remarks for the answer's `notes`. */
  readonly notes: readonly string[];
}

/**
 * A metrics source. One call an evaluation, never one a query.
 *
 * It never rejects for anything outside the program: what could not be read is `failed` in the measurement. When the
 * signal aborts it returns at once with what is known; the rest is `failed` with reason `timeout`.
 */
export interface MetricsAdapter {
  /** Shown in answers and evidence. */
  readonly name: 'prometheus' | 'synthetic';
  measure(request: MeasureRequest, signal: AbortSignal): Promise<Measurement>;
}

export interface MeasureRequest {
  readonly slo: Slo;
  readonly windows: readonly Window[];
  /** What it may lean on in place of reading; absent: everything is read. A source for which reading costs nothing reads. */
  readonly kept?: KeptWindows | null;
  /** Epoch milliseconds. */
  readonly evaluatedAtMs: number;
  /** Forced and first evaluations go ahead of scheduled ones in the adapter's queue. */
  readonly priority: 'urgent' | 'scheduled';
  /** Told to the source with each query. */
  readonly trace?: Trace;
}

import type { Decision } from '../slo/decision.ts';

/** A matcher of one label: `status=~"5.."`. */
export interface Matcher {
  readonly label: string;
  readonly operator: '=' | '!=' | '=~' | '!~';
  /** As a PromQL string, with its quotes. */
  readonly literal: string;
}

/** What is measured: the kinds of metric that `aegis slo new` knows. */
export type Indicator =
  | { readonly kind: 'availability'; readonly metric: string; readonly errors: Matcher }
  | { readonly kind: 'latency'; readonly metric: string; readonly thresholdMs: number }
  | { readonly kind: 'errors'; readonly metric: string; readonly errorMetric: string }
  | { readonly kind: 'gauge'; readonly metric: string; readonly below: number };

export const kinds = ['availability', 'latency', 'errors', 'gauge'] as const satisfies readonly Indicator['kind'][];

/** All that goes into a new SLO file. */
export interface Draft {
  readonly id: string;
  readonly service: string;
  readonly environment: string;
  readonly owner: string | undefined;
  readonly indicator: Indicator;
  /** Label matchers of all series, without braces; empty: every series of the metric. */
  readonly selector: string;
  readonly objective: number;
  readonly noTraffic: Decision;
  readonly scrapeIntervalMs: number;
}

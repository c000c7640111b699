import type { Decision } from './decision.ts';

/** A stretch of time as its file wrote it. */
export interface Duration {
  /** As written: `5m`, `30d`. */
  readonly text: string;
  readonly ms: number;
}

/** A span that a query looks back over. Windows are told apart by name: `60m` and `1h` are two. */
export interface Window {
  readonly name: string;
  readonly lengthMs: number;
}

/** Multi-window burn-rate rule (SRE Workbook, chapter 5, "Multiwindow, Multi-Burn-Rate Alerts"). */
export interface BurnRule {
  readonly name: string;
  readonly shortWindow: Window;
  readonly longWindow: Window;
  /** Burn rate at which, in both windows, the rule triggers. */
  readonly threshold: number;
  readonly action: Decision;
}

export type SliType = 'availability' | 'ratio' | 'correctness' | 'latency' | 'latency_threshold';

/** The service level indicator: two PromQL queries in which `{{window}}` stands for the window. */
export interface Sli {
  readonly type: SliType;
  readonly thresholdMs?: number;
  readonly goodQuery: string;
  readonly totalQuery: string;
}

export interface Gating {
  readonly minDataPoints: number;
  readonly stalenessLimit: Duration;
  /** Least share (0 to 1) of the longest rule window that must hold samples; absent: not enforced. */
  readonly minCoverage?: number;
  /** What a window with a total of 0 over fresh series counts as. */
  readonly noTraffic: Decision;
  /** A PromQL vector selector whose series are judged for freshness in place of those of the queries. */
  readonly freshnessSelector?: string;
}

/** One service level objective, parsed and valid. */
export interface Slo {
  readonly id: string;
  readonly service: string;
  readonly environment: string;
  /** Ratio, 0 < objective < 1. */
  readonly objective: number;
  /** 1 − objective, taken from the decimal as written (slo/error-budget.ts). */
  readonly errorBudget: number;
  readonly complianceWindow: Window;
  readonly evaluationInterval: Duration;
  readonly sli: Sli;
  readonly rules: readonly BurnRule[];
  readonly gating: Gating;
  /** The file's document with its defaults filled in: what `GET /v1/slo/{id}` answers and what the hashes are made of. */
  readonly document: SloDocument;
}

/** The shape of an SLO file, defaults filled in. slo/schema.ts is its one schema. */
export interface SloDocument {
  readonly apiVersion: 'aegis.slo/v1' | 'aegis.dev/v1';
  readonly kind: 'SLO';
  readonly metadata: {
    readonly id: string;
    readonly service: string;
    readonly owner?: string;
    readonly description?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly environment: string;
    readonly objective: number;
    readonly complianceWindow: string;
    readonly evaluationInterval: string;
    readonly sli: {
      readonly type: SliType;
      readonly thresholdMs?: number;
      readonly good: { readonly prometheusQuery: string };
      readonly total: { readonly prometheusQuery: string };
    };
    readonly burnPolicy: {
      readonly rules: readonly {
        readonly name: string;
        readonly shortWindow: string;
        readonly longWindow: string;
        readonly threshold: number;
        readonly action: Decision;
      }[];
    };
    readonly gating: {
      readonly minDataPoints: number;
      readonly stalenessLimit: string;
      readonly minCoverage?: number;
      readonly noTraffic: Decision;
      readonly freshnessSelector?: string;
    };
  };
}

/** The windows of an SLO, each once, in the order in which they are read and reported: compliance window first, then the rules'. */
export function windowsOf(slo: Slo): readonly Window[] {
  const all = [slo.complianceWindow, ...slo.rules.flatMap((rule) => [rule.shortWindow, rule.longWindow])];
  return [...new Map(all.map((window) => [window.name, window])).values()];
}

/** The shortest window of any rule: data points are counted in it. */
export function shortestRuleWindow(slo: Slo): Window {
  return slo.rules.map((rule) => rule.shortWindow).reduce((a, b) => (b.lengthMs < a.lengthMs ? b : a));
}

/** The longest window of any rule: coverage and old samples are looked for in it. */
export function longestRuleWindow(slo: Slo): Window {
  return slo.rules.map((rule) => rule.longWindow).reduce((a, b) => (b.lengthMs > a.lengthMs ? b : a));
}

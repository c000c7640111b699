/** The first of several expressions that has a series. */
export function anyOf(expressions: readonly string[]): string {
  return expressions.join(' or ');
}

export interface Subquery {
  readonly stepMs: number;
  /** PromQL duration of a step. */
  readonly step: string;
  /** `[range:step]`, to stand after an expression. */
  readonly range: string;
  /** Epoch milliseconds of the first and the last step. */
  readonly firstMs: number;
  readonly lastMs: number;
}

/**
 * A subquery of exactly so many steps over the last `lengthMs`. Prometheus puts a subquery's steps on multiples of the
 * step, so a range as long as the window holds one too many when the instant is such a multiple (up to version 2; with
 * version 3 the range is open at its left). This range begins half a step before its first step, whatever the instant.
 */
export function alignedSubquery(lengthMs: number, steps: number, evaluatedAtMs: number): Subquery {
  const stepMs = Math.max(2, Math.round(lengthMs / steps));
  const lastMs = Math.floor(evaluatedAtMs / stepMs) * stepMs;
  const firstMs = lastMs - (steps - 1) * stepMs;
  const rangeMs = evaluatedAtMs - firstMs + Math.floor(stepMs / 2);
  return { stepMs, step: `${stepMs}ms`, range: `[${rangeMs}ms:${stepMs}ms]`, firstMs, lastMs };
}

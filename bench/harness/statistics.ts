/** What the rounds of one subject gave. */
export interface Figure {
  readonly median: number;
  readonly least: number;
  readonly greatest: number;
  readonly rounds: number;
}

export function figureOf(values: readonly number[]): Figure {
  if (values.length === 0) throw new Error('there is no round');
  return { median: median(values), least: Math.min(...values), greatest: Math.max(...values), rounds: values.length };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** The least value that at least this share of the values do not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(Math.ceil(share * sorted.length) - 1, 0)] ?? NaN;
}

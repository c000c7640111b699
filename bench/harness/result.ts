import type { Figure } from './statistics.ts';

/** One line of the table: a figure, what it is held against, and what was to be reached. */
export interface Result {
  readonly what: string;
  readonly unit: string;
  readonly value: Figure;
  readonly reference?: { readonly name: string; readonly value: Figure };
  readonly target?: Target;
  readonly note?: string;
}

export interface Target {
  /** Whether the figure itself is judged, or how often it is the reference. */
  readonly of: 'value' | 'ratio';
  readonly bound: 'at least' | 'at most';
  readonly limit: number;
}

export function ratioOf({ value, reference }: Result): number | null {
  return reference === undefined ? null : value.median / reference.value.median;
}

/** Null where nothing was to be reached. */
export function isReached(result: Result): boolean | null {
  const { target } = result;
  if (target === undefined) return null;
  const judged = target.of === 'value' ? result.value.median : ratioOf(result);
  if (judged === null) throw new Error(`${result.what}: a ratio needs a reference`);
  return target.bound === 'at least' ? judged >= target.limit : judged <= target.limit;
}

/** The results of one part of the benchmarks, in the order of its table. */
export interface PartResults {
  readonly part: string;
  readonly results: readonly Result[];
}

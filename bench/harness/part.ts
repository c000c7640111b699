import type { Result } from './result.ts';
import type { Workplace } from './workplace.ts';

/** How much is done: all, or as little as shows that it can be done. */
export interface Scale {
  readonly isQuick: boolean;
  /** Of these two, the one that is meant. */
  pick(whole: number, quick: number): number;
}

/** A part of the benchmarks measures in a place of its own. */
export type Part = (workplace: Workplace, scale: Scale) => Promise<readonly Result[]>;

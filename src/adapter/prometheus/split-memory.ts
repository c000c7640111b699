import type { Slo } from '../../slo/model.ts';

/** How the next evaluation of an SLO is to be asked. */
export interface SplitAdvice {
  /** Groups that go by themselves. */
  readonly alone: ReadonlySet<string>;
  /** Ask each group by itself from the start: the last union got no answer in time. */
  readonly splitFirst: boolean;
  /** A union that fails may be split. */
  readonly maySplit: boolean;
}

/** What became of the groups of a union that was asked in parts. */
export interface SplitResult {
  readonly failed: readonly string[];
  readonly succeeded: readonly string[];
  /** The longest window of the union, which goes alone where no part of it fails by itself. */
  readonly heaviest: string | undefined;
  /** Whether the same union would surely fail again: its query was refused, or it timed out. */
  readonly lasting: boolean;
}

/** What was learnt, for each SLO, of the unions that its source does not answer. */
export interface SplitMemory {
  adviceFor(slo: Slo): SplitAdvice;
  unionAnswered(slo: Slo): void;
  unionTimedOut(slo: Slo): void;
  wasSplit(slo: Slo, result: SplitResult): void;
}

interface Learnt {
  readonly sli: Slo['sli'];
  alone: ReadonlySet<string>;
  /** When the whole is tried again. */
  aloneUntilMs: number;
  mode: 'usual' | 'timed out' | 'all parts failed' | 'parts did better once';
}

const wholeAgainMs = 3_600_000;

export function createSplitMemory(monotonicMs: () => number): SplitMemory {
  const bySlo = new Map<string, Learnt>();

  const of = (slo: Slo): Learnt => {
    const known = bySlo.get(slo.id);
    if (known !== undefined && sameQueries(known.sli, slo.sli)) {
      if (known.alone.size > 0 && monotonicMs() >= known.aloneUntilMs) known.alone = new Set();
      return known;
    }
    return { sli: slo.sli, alone: new Set(), aloneUntilMs: 0, mode: 'usual' };
  };

  /** Only of SLOs of which anything was learnt: usually of none, however many there are. */
  const remember = (slo: Slo, learnt: Learnt) => {
    if (learnt.mode === 'usual' && learnt.alone.size === 0) bySlo.delete(slo.id);
    else bySlo.set(slo.id, learnt);
  };

  const goAlone = (learnt: Learnt, groups: readonly string[]) => {
    if (learnt.alone.size === 0) learnt.aloneUntilMs = monotonicMs() + wholeAgainMs;
    learnt.alone = new Set([...learnt.alone, ...groups]);
    learnt.mode = 'usual';
  };

  return {
    adviceFor(slo) {
      const { alone, mode } = of(slo);
      return { alone, splitFirst: mode === 'timed out', maySplit: mode !== 'all parts failed' };
    },
    unionAnswered(slo) {
      const learnt = of(slo);
      learnt.mode = 'usual';
      remember(slo, learnt);
    },
    unionTimedOut(slo) {
      const learnt = of(slo);
      if (learnt.mode !== 'all parts failed') learnt.mode = 'timed out';
      remember(slo, learnt);
    },
    wasSplit(slo, { failed, succeeded, heaviest, lasting }) {
      const learnt = of(slo);
      if (succeeded.length === 0) learnt.mode = 'all parts failed';
      else if (failed.length > 0) goAlone(learnt, failed);
      // A moment's failure of the source says nothing about the union; two in a row do.
      else if (heaviest !== undefined && (lasting || learnt.mode === 'parts did better once'))
        goAlone(learnt, [heaviest]);
      else learnt.mode = 'parts did better once';
      remember(slo, learnt);
    },
  };
}

/** What was learnt of an SLO's union holds for as long as its queries stand, through other changes of its file. */
function sameQueries(a: Slo['sli'], b: Slo['sli']): boolean {
  return a === b || (a.type === b.type && a.goodQuery === b.goodQuery && a.totalQuery === b.totalQuery);
}

import type { QueryRole } from '../../eval/measurement.ts';

/** One question to the source: an expression whose answer is told apart by its tag. */
export interface Part {
  /** Unique in a plan: `good:5m`, `age:0`. */
  readonly tag: string;
  readonly role: QueryRole;
  readonly window?: string;
  readonly promql: string;
  /** A scalar has no labels to carry the tag. */
  readonly type: 'vector' | 'scalar';
}

/** Parts that are asked together: a window's good and total, or the checks of one metric. */
export interface Unit {
  /** What it goes by when a union is split: its window's name, or `checks`. */
  readonly group: string;
  readonly parts: readonly Part[];
  /** Each part is sent by itself and as it stands, because our grammar cannot read it. */
  readonly asItStands: boolean;
}

/** The group of everything that is no window: freshness, points, coverage. A window's name begins with a digit. */
const checksGroup = 'checks';

/** Checks that are asked together; all of them are instant vectors. */
export function checkUnit(role: QueryRole, parts: readonly Omit<Part, 'role' | 'type'>[]): Unit {
  return { group: checksGroup, parts: parts.map((part) => ({ ...part, role, type: 'vector' })), asItStands: false };
}

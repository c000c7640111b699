import type { Database } from 'better-sqlite3';
import type { FilterColumn, PageQuery } from './messages.ts';
import { prepared } from './prepared.ts';

/** Equal values of columns. */
export type Equals = PageQuery['equals'];

/** Beyond it (thousands of environments of one service) one statement over all of them is no slower. */
const mostRanges = 64;

/**
 * Splits what is asked for into stretches of one index, each of which is in the order of pages already: merging them
 * reads no row that is not meant, however rare those are among the others. The columns of the index that are not asked
 * for are taken at each value that they have; a contradiction has no stretch at all. Null where there are too many.
 */
export function rangesOf(
  db: Database,
  table: string,
  indexes: readonly (readonly FilterColumn[])[],
  equals: Equals,
): readonly Equals[] | null {
  const columns = indexes.find(([first]) => first === undefined || equals[first] !== undefined) ?? [];
  let ranges: Equals[] = [{}];
  for (const column of columns) {
    const next: Equals[] = [];
    for (const range of ranges) {
      for (const value of valuesOf(db, { table, column, range, asked: equals[column] })) {
        next.push({ ...range, [column]: value });
        if (next.length > mostRanges) return null;
      }
    }
    ranges = next;
  }
  return ranges.map((range) => ({ ...equals, ...range }));
}

interface Step {
  readonly table: string;
  readonly column: FilterColumn;
  /** The columns of the index before this one. */
  readonly range: Equals;
  readonly asked: string | undefined;
}

/** The values that a column has behind others, each found by one step in the index. */
function* valuesOf(db: Database, { table, column, range, asked }: Step): Generator<string> {
  const terms = Object.keys(range).map((known) => `${known} = @${known}`);
  const find = (term: string, bound: Record<string, unknown>): unknown =>
    prepared(db, `SELECT min(${column}) FROM ${table} WHERE ${[...terms, term].join(' AND ')}`)
      .pluck()
      .get({ ...range, ...bound });
  if (asked !== undefined) {
    if (find(`${column} = @asked`, { asked }) !== null) yield asked;
    return;
  }
  for (let value = find(`${column} >= ''`, {}); typeof value === 'string';) {
    yield value;
    value = find(`${column} > @value`, { value });
  }
}

import type { Database } from 'better-sqlite3';
import { encodeCursor, type PageKind } from './cursor.ts';
import { instantText, lowestInstantText } from './instant-text.ts';
import type { FilterColumn, PageQuery } from './messages.ts';
import { prepared } from './prepared.ts';
import { rangesOf } from './ranges.ts';

/** A table with a primary key `id` that is read in pages, newest first: by its `timestamp`, and of one instant by its id. */
export interface PagedTable<Row extends { readonly timestamp: string | number }> {
  readonly kind: PageKind;
  readonly name: string;
  readonly columns: string;
  readonly idColumn: string;
  /** The columns of its indexes before the order of pages; the first that begins with a column that is asked for serves. */
  readonly indexes: readonly (readonly FilterColumn[])[];
  readonly idOf: (row: Row) => string;
  /** Where a row may stand for several instants: the column of the last one, NULL where it is the only one. */
  readonly span?: TimeSpan;
  /** The row as clients see it. */
  readonly record: (row: Row) => object;
}

export interface TimeSpan {
  readonly lastColumn: string;
  readonly longestMs: number;
}

/** One page as the bytes of its JSON. */
export function pageOf<Row extends { readonly timestamp: string | number }>(
  db: Database,
  table: PagedTable<Row>,
  query: PageQuery,
): Uint8Array {
  // One row more than asked for tells whether there is another page.
  const rows = db.transaction(() => rowsOf(db, table, query))();
  const page = rows.slice(0, query.limit);
  const last = page.at(-1);
  const nextCursor =
    rows.length > page.length && last !== undefined
      ? encodeCursor(table.kind, { timestamp: String(last.timestamp), id: table.idOf(last) })
      : null;
  const records = page.map(table.record);
  return new TextEncoder().encode(JSON.stringify({ records, total: page.length, nextCursor }));
}

/** First the keys, from indexes alone, then the rows of those that are shown. */
function rowsOf<Row extends { readonly timestamp: string | number }>(
  db: Database,
  { name, columns, indexes, ...table }: PagedTable<Row>,
  query: PageQuery,
): readonly Row[] {
  const ranges = rangesOf(db, name, indexes, query.equals) ?? [query.equals];
  if (ranges.length === 0) return [];
  const { sql, values } = keysSql({ name, ...table }, query, ranges);
  const keys = prepared(db, sql).pluck().all(values);
  const row = prepared(db, `SELECT ${columns} FROM ${name} WHERE id = ?`);
  return keys.map((key) => row.get(key) as Row); // of this transaction, so it is there
}

/** The keys of a page: each range is in its order, and SQLite merges them. */
export function keysSql(
  { name, idColumn, span }: Pick<PagedTable<never>, 'name' | 'idColumn' | 'span'>,
  query: PageQuery,
  ranges: readonly PageQuery['equals'][],
): { readonly sql: string; readonly values: Record<string, string | number> } {
  const { terms, values } = conditions(idColumn, span, query);
  const arms = ranges.map((range, index) => {
    const equal = Object.entries(range).map(([column, value]) => {
      values[`${column}${index}`] = value;
      return `${column} = @${column}${index}`;
    });
    const where = [...equal, ...terms];
    return `SELECT id, timestamp, ${idColumn} AS page_id FROM ${name} ${where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`}`;
  });
  const sql = `${arms.join(' UNION ALL ')} ORDER BY timestamp DESC, page_id DESC LIMIT @limit OFFSET @offset`;
  return { sql, values: { ...values, limit: query.limit + 1, offset: query.offset ?? 0 } };
}

interface Conditions {
  readonly terms: readonly string[];
  readonly values: Record<string, string | number>;
}

function conditions(
  idColumn: string,
  span: TimeSpan | undefined,
  { startMs, endMs, after }: Omit<PageQuery, 'equals'>,
): Conditions {
  const terms: string[] = [];
  const values: Record<string, string | number> = {};
  const add = (term: string, bound: Record<string, string>) => {
    terms.push(term);
    Object.assign(values, bound);
  };
  if (startMs !== undefined) {
    add('timestamp >= @first', { first: lowestInstantText(startMs - (span?.longestMs ?? 0)) });
    if (span) add(endsBehindStart(span), { start: lowestInstantText(startMs) });
  }
  if (endMs !== undefined) add('timestamp <= @end', { end: instantText(endMs) });
  if (after !== undefined) {
    add(`(timestamp, ${idColumn}) < (@afterTime, @afterId)`, { afterTime: after.timestamp, afterId: after.id });
  }
  return { terms, values };
}

/** Of a row of several instants, one behind the start of the time that is asked for is enough. */
export function endsBehindStart({ lastColumn }: TimeSpan): string {
  return `coalesce(${lastColumn}, timestamp) >= @start`;
}

/** A text that is no JSON any more (edited by hand) must not make the page unreadable. */
export function parsed(text: string, otherwise: unknown): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return otherwise;
  }
}

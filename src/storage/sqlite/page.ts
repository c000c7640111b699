import type { Database } from 'better-sqlite3';
import { encodeCursor, type PageKind } from './cursor.ts';
import { instantText, lowestInstantText } from './instant-text.ts';
import type { FilterColumn, PageQuery } from './messages.ts';
import { pageBytes } from './page-bytes.ts';
import { prepared } from './prepared.ts';
import { rangesOf } from './ranges.ts';
import { type Field, recordSql } from './record.ts';

/** A table with a primary key `id` that is read in pages, newest first: by its `timestamp`, and of one instant by its id. */
export interface PagedTable {
  readonly kind: PageKind;
  readonly name: string;
  readonly idColumn: string;
  /** The columns of its indexes before the order of pages; the first that begins with a column that is asked for serves. */
  readonly indexes: readonly (readonly FilterColumn[])[];
  /** Where a row may stand for several instants: the column of the last one, NULL where it is the only one. */
  readonly span?: TimeSpan;
  /** The row as clients see it. */
  readonly fields: readonly Field[];
}

export interface TimeSpan {
  readonly lastColumn: string;
  readonly longestMs: number;
}

/** One page as the bytes of its JSON. */
export function pageOf(db: Database, table: PagedTable, query: PageQuery): Uint8Array {
  const { records, total, nextCursor } = db.transaction(() => {
    // One row more than asked for tells whether there is another page.
    const keys = keysOf(db, table, query);
    const shown = keys.slice(0, query.limit);
    return {
      records: recordsOf(db, table, shown),
      total: shown.length,
      nextCursor: keys.length > shown.length ? cursorOf(db, table, shown.at(-1)) : null,
    };
  })();
  const text = `{"records":[${records}],"total":${total},"nextCursor":${JSON.stringify(nextCursor)}}`;
  return pageBytes(text);
}

/** From indexes alone. */
function keysOf(db: Database, { name, indexes, ...table }: PagedTable, query: PageQuery): readonly unknown[] {
  const ranges = rangesOf(db, name, indexes, query.equals) ?? [query.equals];
  if (ranges.length === 0) return [];
  const { sql, values } = keysSql({ name, ...table }, query, ranges);
  return prepared(db, sql).pluck().all(values);
}

/**
 * The rows of these keys, in their order, with commas between: one text of SQLite's becomes one of V8's, which is faster
 * than many. SQLite keeps the order of a subquery where what is asked of it depends on it, as `group_concat` does.
 */
function recordsOf(db: Database, { name, fields }: PagedTable, keys: readonly unknown[]): string {
  const sql = `SELECT coalesce(group_concat(${recordSql(fields)}), '')
    FROM (SELECT value AS shown_id FROM json_each(?) ORDER BY key) CROSS JOIN ${name} ON id = shown_id`;
  return prepared(db, sql).pluck().get(JSON.stringify(keys)) as string;
}

function cursorOf(db: Database, { kind, name, idColumn }: PagedTable, key: unknown): string {
  const row = prepared(db, `SELECT timestamp, ${idColumn} AS id FROM ${name} WHERE id = ?`).get(key);
  const { timestamp, id } = row as { readonly timestamp: string | number; readonly id: string }; // of this transaction
  return encodeCursor(kind, { timestamp: String(timestamp), id });
}

/** The keys of a page: each range is in its order, and SQLite merges them. */
export function keysSql(
  { name, idColumn, span }: Pick<PagedTable, 'name' | 'idColumn' | 'span'>,
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
  // A plain parameter as LIMIT is looked at by the planner, so SQLite would prepare the statement anew for each page.
  const slice = 'LIMIT CAST(@limit AS INTEGER) OFFSET CAST(@offset AS INTEGER)';
  const sql = `${arms.join(' UNION ALL ')} ORDER BY timestamp DESC, page_id DESC ${slice}`;
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

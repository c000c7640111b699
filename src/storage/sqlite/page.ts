import type { Database } from 'better-sqlite3';
import { encodeCursor, type PageKind } from './cursor.ts';
import { instantText, lowestInstantText } from './instant-text.ts';
import type { PageQuery } from './messages.ts';

/** A table that is read in pages, newest first: by its `timestamp`, and of one instant by its id. */
export interface PagedTable<Row extends { readonly timestamp: string | number }> {
  readonly kind: PageKind;
  readonly name: string;
  readonly columns: string;
  readonly idColumn: string;
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
  { kind, name, columns, idColumn, idOf, span, record }: PagedTable<Row>,
  query: PageQuery,
): Uint8Array {
  const { where, values } = conditions(idColumn, span, query);
  // One row more than asked for tells whether there is another page.
  const rows = db
    .prepare<[Record<string, string | number>], Row>(
      `SELECT ${columns} FROM ${name} ${where} ORDER BY timestamp DESC, ${idColumn} DESC LIMIT @limit OFFSET @offset`,
    )
    .all({ ...values, limit: query.limit + 1, offset: query.offset ?? 0 });
  const page = rows.slice(0, query.limit);
  const last = page.at(-1);
  const nextCursor =
    rows.length > page.length && last !== undefined
      ? encodeCursor(kind, { timestamp: String(last.timestamp), id: idOf(last) })
      : null;
  return new TextEncoder().encode(JSON.stringify({ records: page.map(record), total: page.length, nextCursor }));
}

interface Conditions {
  readonly where: string;
  readonly values: Record<string, string | number>;
}

function conditions(
  idColumn: string,
  span: TimeSpan | undefined,
  { equals, startMs, endMs, after }: PageQuery,
): Conditions {
  const terms = Object.keys(equals).map((column) => `${column} = @${column}`);
  const values: Record<string, string | number> = { ...equals };
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
  return { where: terms.length === 0 ? '' : `WHERE ${terms.join(' AND ')}`, values };
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

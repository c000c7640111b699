import type { Database } from 'better-sqlite3';
import type { ExportChunk } from '../../ports.ts';
import { encodeCursor } from '../cursor.ts';
import { instantText, lowestInstantText } from '../instant-text.ts';
import type { ExportQuery } from '../messages.ts';
import { endsBehindStart } from '../page.ts';
import { recordSql } from '../record.ts';
import { forms } from './forms.ts';
import { type ExportedTable, exportedTables } from './tables.ts';

interface ExportedRow {
  /** The JSON of what clients see. */
  readonly record: string;
  readonly writtenAt: string | number;
  readonly writtenId: string;
}

/** Lines of one chunk at most: others who read wait for one chunk. */
const mostLines = 1_000;
/** Rows that are looked at for one chunk, where most of them are not meant. */
const rowsLookedAt = 5_000;
/**
 * Rows of the last moment come with the next export: those that are written within one millisecond have no order among
 * them yet.
 */
const settledSql = `strftime('%Y-%m-%d %H:%M:%f', 'now', '-1 second')`;
/** Rows of the Go original were stamped to the second when they were written, and to the nanosecond before. */
const roundedMs = 1_000;
const afterAllIds = '\uffff';

/** The next lines behind a cursor, or the first ones. */
export function exportChunk(db: Database, query: ExportQuery): ExportChunk {
  const { kind, form, after } = query;
  const table = exportedTables[kind];
  const { terms, values } = conditions(table, query);
  const edge = db
    .prepare<[Values], string | number>(
      `SELECT ${table.writtenColumn} FROM ${table.name} WHERE ${terms.behind.join(' AND ')}
      ORDER BY ${table.writtenColumn} LIMIT 1 OFFSET ${rowsLookedAt - 1}`,
    )
    .pluck()
    .get(values.behind);
  const until = edge === undefined ? [] : [`${table.writtenColumn} <= @until`];
  const rows = db
    .prepare<[Values], ExportedRow>(
      `SELECT ${recordSql(table.fields)} AS record, ${table.writtenColumn} AS writtenAt, ${table.idColumn} AS writtenId
      FROM ${table.name} WHERE ${[...terms.rows, ...until].join(' AND ')}
      ORDER BY ${table.writtenColumn}, ${table.idColumn} LIMIT ${mostLines}`,
    )
    .all({ ...values.rows, ...(edge !== undefined && { until: edge }) });
  const cursorOf = (row: ExportedRow) => encodeCursor(kind, { timestamp: String(row.writtenAt), id: row.writtenId });
  const fields = table.fields.map(({ name }) => name);
  const lines = rows.map((row) => forms[form].line(fields, row.record, cursorOf(row)));
  if (after === undefined) lines.unshift(forms[form].head(fields));
  const bytes = new TextEncoder().encode(lines.join(''));
  const last = rows.at(-1);
  if (rows.length === mostLines && last !== undefined) return { bytes, next: cursorOf(last) };
  if (edge === undefined) return { bytes, next: null };
  return { bytes, next: encodeCursor(kind, { timestamp: String(edge), id: afterAllIds }) };
}

type Values = Record<string, string | number>;

interface Conditions {
  /** `behind`: the rows that are looked at next, by the index alone; `rows`: those of them that are meant. */
  readonly terms: { readonly behind: readonly string[]; readonly rows: readonly string[] };
  readonly values: { readonly behind: Values; readonly rows: Values };
}

function conditions({ writtenColumn, idColumn, span }: ExportedTable, query: ExportQuery): Conditions {
  const { equals, startMs, endMs, after } = query;
  const common = [`${writtenColumn} < ${settledSql}`];
  const shared: Values = {};
  if (startMs !== undefined) {
    common.push(`${writtenColumn} >= @writtenStart`);
    shared.writtenStart = lowestInstantText(startMs - roundedMs);
  }
  if (endMs !== undefined && writtenColumn === 'timestamp') {
    common.push('timestamp <= @end');
    shared.end = instantText(endMs);
  }
  // A plus keeps SQLite from an index of another order.
  const meant = Object.keys(equals).map((column) => `+${column} = @${column}`);
  const values: Values = { ...shared, ...equals };
  if (startMs !== undefined) {
    meant.push(span === undefined ? '+timestamp >= @start' : endsBehindStart(span));
    values.start = lowestInstantText(startMs);
  }
  if (endMs !== undefined) {
    meant.push('+timestamp <= @end');
    values.end = instantText(endMs);
  }
  if (after === undefined) {
    return { terms: { behind: common, rows: [...common, ...meant] }, values: { behind: shared, rows: values } };
  }
  const place = { afterTime: after.timestamp };
  return {
    terms: {
      behind: [...common, `${writtenColumn} > @afterTime`],
      rows: [...common, ...meant, `(${writtenColumn}, ${idColumn}) > (@afterTime, @afterId)`],
    },
    values: { behind: { ...shared, ...place }, rows: { ...values, ...place, afterId: after.id } },
  };
}

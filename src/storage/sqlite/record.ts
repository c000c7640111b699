import type { Database } from 'better-sqlite3';
import { rfc3339Json } from './instant-text.ts';

/**
 * A field of a row as clients see it. SQLite itself makes its JSON, for fetching each column
 * and writing all of it again takes twice as long. Columns that anybody may edit by hand
 * are only what they are declared to be by habit; whatever one holds, the page stays readable.
 */
export interface Field {
  readonly name: string;
  /** An SQL expression of the row's columns. */
  readonly json: string;
}

/** What is no text is shown as one. */
export const text = (name: string, column: string): Field => ({ name, json: `json_quote(CAST(${column} AS TEXT))` });

/** The id that SQLite gives out. */
export const rowId = (name: string, column: string): Field => ({ name, json: column });

export const flag = (name: string, column: string): Field => ({ name, json: `iif(${column} <> 0, 'true', 'false')` });

/** The shortest digits, as JavaScript writes them: SQLite's are often longer. */
export const number = (name: string, column: string): Field => ({ name, json: `number_json(${column})` });

export const instant = (name: string, column: string): Field => ({ name, json: `instant_json(${column})` });

/** The JSON of a column, without line breaks; of what is none, the other one, which is SQL too. */
export const json = (name: string, column: string, otherwise: string): Field => ({
  name,
  json: `iif(json_valid(${column}), json(${column}), ${otherwise})`,
});

/** The expression of a whole record. */
export function recordSql(fields: readonly Field[]): string {
  const parts = fields.map(({ name, json }, index) => `'${index === 0 ? '{' : ','}"${name}":', ${json}`);
  return `concat(${parts.join(', ')}, '}')`;
}

/** What the expressions call, to be defined on each connection that reads records. */
export function defineRecordFunctions(db: Database): void {
  db.function('number_json', { deterministic: true }, numberJson);
  db.function('instant_json', { deterministic: true }, (value) => rfc3339Json(String(value)));
}

/** As `JSON.stringify`, which takes three times as long for a number. */
function numberJson(value: unknown): string {
  return typeof value === 'number' && Number.isFinite(value) ? `${value}` : JSON.stringify(value);
}

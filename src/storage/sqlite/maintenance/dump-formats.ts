import type { Database } from 'better-sqlite3';
import type { Value, WalkedTable } from './rows.ts';
import { quotedName } from './tables.ts';

export interface DumpFormat {
  readonly begin?: () => string;
  readonly table?: (table: WalkedTable) => string;
  readonly row: (table: WalkedTable, values: readonly Value[]) => string;
  readonly end?: (db: Database, tables: readonly string[], version: number) => string;
}

/** An object a row: the table's name in `table`, and the columns by name. A blob is base64. */
export const jsonLinesFormat: DumpFormat = {
  row({ name, columns }, values) {
    const fields = columns.map((column, index) => [column, jsonValue(values[index] ?? null)]);
    return `${JSON.stringify({ table: name, ...Object.fromEntries(fields) })}\n`;
  },
};

function jsonValue(value: Value): string | number | null {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  return Buffer.isBuffer(value) ? value.toString('base64') : value;
}

/** RFC 4180, with a line of names first; NULL is an empty field. */
export const csvFormat: DumpFormat = {
  table: ({ columns }) => `${columns.map(csvField).join(',')}\r\n`,
  row: (_table, values) => `${values.map(csvField).join(',')}\r\n`,
};

function csvField(value: Value): string {
  if (value === null) return '';
  const text = Buffer.isBuffer(value) ? value.toString('base64') : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Statements that make the database anew: `sqlite3 new.db < dump.sql`. */
export const sqlFormat: DumpFormat = {
  begin: () => 'PRAGMA foreign_keys = OFF;\nBEGIN;\n',
  table: ({ sql }) => `${sql};\n`,
  row: ({ name, columns }, values) =>
    `INSERT INTO ${quotedName(name)} (${columns.map(quotedName).join(', ')}) VALUES (${values.map(sqlLiteral).join(', ')});\n`,
  end: (db, tables, version) =>
    `${sequences(db, tables)}${indexes(db, tables)}PRAGMA user_version = ${version};\nCOMMIT;\n`,
};

function sqlLiteral(value: Value): string {
  if (value === null) return 'NULL';
  if (Buffer.isBuffer(value)) return `X'${value.toString('hex')}'`;
  if (typeof value === 'number' && !Number.isFinite(value)) return value > 0 ? '9e999' : '-9e999';
  if (typeof value !== 'string') return String(value);
  // A NUL ends a statement.
  if (value.includes('\0')) return `CAST(X'${Buffer.from(value).toString('hex')}' AS TEXT)`;
  return `'${value.replaceAll("'", "''")}'`;
}

/** Where AUTOINCREMENT goes on. */
function sequences(db: Database, tables: readonly string[]): string {
  const has = db.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'`).get() !== undefined;
  if (!has) return '';
  const rows = db.prepare<[], { name: string; seq: number }>('SELECT name, seq FROM sqlite_sequence').all();
  const kept = rows.filter(({ name }) => tables.includes(name));
  return kept
    .map(({ name, seq }) => {
      const literal = sqlLiteral(name);
      return `DELETE FROM sqlite_sequence WHERE name = ${literal};\nINSERT INTO sqlite_sequence VALUES (${literal}, ${seq});\n`;
    })
    .join('');
}

function indexes(db: Database, tables: readonly string[]): string {
  const made = db
    .prepare<[], { table: string; sql: string }>(
      `SELECT tbl_name AS "table", sql FROM sqlite_schema WHERE type <> 'table' AND sql IS NOT NULL`,
    )
    .all();
  return made
    .filter(({ table }) => tables.includes(table))
    .map(({ sql }) => `${sql};\n`)
    .join('');
}

import type { Database } from 'better-sqlite3';
import { messageOf } from '../../../errors.ts';
import { versionOf } from '../migrations.ts';
import { csvFormat, jsonLinesFormat, sqlFormat, type DumpFormat } from './dump-formats.ts';
import { withDatabase } from './open.ts';
import { walkTable } from './rows.ts';

export interface DumpOptions {
  readonly file: string;
  /** Undefined: all. */
  readonly tables: readonly string[] | undefined;
  readonly format: 'jsonl' | 'csv' | 'sql';
  /** Resolves when the reader has taken the text; false: it wants no more. */
  readonly write: (text: string) => Promise<boolean>;
  /** Called with what cannot be read. */
  readonly onGap: (gap: string) => void;
}

/** Names of tables that are asked for and are not there. */
export type MissingTables = { readonly missing: readonly string[]; readonly there: readonly string[] };

const formats = { jsonl: jsonLinesFormat, csv: csvFormat, sql: sqlFormat };
const piece = 64 * 1024;

/**
 * Writes a database as text, a few rows at a time. A damaged one is written as far as it can be read. Gives the tables
 * that are not there, where nothing is written; throws as `withDatabase`.
 */
export function dump(options: DumpOptions): Promise<MissingTables | null> {
  return withDatabase(
    options.file,
    async (db) => {
      const all = tablesOf(db);
      const there = all.map(({ name }) => name);
      const missing = (options.tables ?? []).filter((name) => !there.includes(name));
      if (missing.length > 0) return { missing, there };
      const chosen = all.filter(({ name }) => options.tables?.includes(name) ?? true);
      await write(db, chosen, formats[options.format], options);
      return null;
    },
    { evenDamaged: true },
  );
}

interface TableSource {
  readonly name: string;
  readonly sql: string;
}

function tablesOf(db: Database): readonly TableSource[] {
  return db
    .prepare<[], TableSource>(
      `SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rootpage`,
    )
    .all();
}

async function write(
  db: Database,
  tables: readonly TableSource[],
  format: DumpFormat,
  { write: send, onGap }: DumpOptions,
): Promise<void> {
  let text = format.begin?.() ?? '';
  for (const { name, sql } of tables) {
    const table = walkTable(db, name, sql);
    text += format.table?.(table) ?? '';
    for (const rows of table.rows((gap) => onGap(`${name}: cannot be read ${gap}`))) {
      for (const row of rows) text += format.row(table, row);
      if (text.length < piece) continue;
      if (!(await send(text))) return;
      text = '';
    }
  }
  try {
    text +=
      format.end?.(
        db,
        tables.map(({ name }) => name),
        versionOf(db),
      ) ?? '';
  } catch (error) {
    onGap(`indexes and sequences: ${messageOf(error)}`);
  }
  await send(text);
}

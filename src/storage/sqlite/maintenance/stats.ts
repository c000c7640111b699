import { statSync } from 'node:fs';
import type { Database } from 'better-sqlite3';
import { logSize } from '../set-aside.ts';
import { checkTables, versionOf } from '../migrations.ts';
import { atOneInstant } from './instant.ts';
import { withDatabase } from './open.ts';
import { contentsOf, type TableContents } from './tables.ts';

export interface TableStats extends TableContents {
  /** With its indexes. */
  readonly bytes: number;
  readonly bytesPerRow: number | null;
}

export interface DayStats {
  /** `2026-11-21`, UTC. */
  readonly day: string;
  readonly evaluations: number;
  readonly decisions: number;
  /** What these rows take, at the bytes that a row of their table takes on average. */
  readonly bytes: number;
}

export interface SloStats {
  readonly sloId: string;
  readonly evaluations: number;
}

export interface DatabaseStats {
  readonly file: string;
  readonly version: number;
  readonly bytes: number;
  readonly logBytes: number;
  readonly pageBytes: number;
  readonly pages: number;
  /** Pages that hold nothing; new rows are written there first. */
  readonly freePages: number;
  readonly tables: readonly TableStats[];
  /** The most first. */
  readonly slos: readonly SloStats[];
  /** The newest first; today's is not over. */
  readonly days: readonly DayStats[];
}

const daysShown = 8;
const dayMs = 86_400_000;

/** What is in a database and how it grows. Reads every page of it once. Throws as `withDatabase`. */
export function statsOf(
  given: string,
  options: { readonly top: number; readonly nowMs: number },
): Promise<DatabaseStats> {
  return withDatabase(given, (db, file) => atOneInstant(db, () => collect(db, file, options)));
}

function collect(db: Database, file: string, { top, nowMs }: { top: number; nowMs: number }): DatabaseStats {
  checkTables(db, file);
  const number = (pragma: string) => Number(db.pragma(pragma, { simple: true }));
  const tables = tableStats(db);
  return {
    file,
    version: versionOf(db),
    bytes: statSync(file).size,
    logBytes: logSize(file),
    pageBytes: number('page_size'),
    pages: number('page_count'),
    freePages: number('freelist_count'),
    tables,
    slos: db
      .prepare<[number], SloStats>(
        'SELECT slo_id AS sloId, count(*) AS evaluations FROM evaluations GROUP BY slo_id ORDER BY 2 DESC, 1 LIMIT ?',
      )
      .all(top),
    days: dayStats(db, tables, nowMs),
  };
}

function tableStats(db: Database): readonly TableStats[] {
  const sizes = db
    .prepare<[], { name: string; bytes: number }>(
      `SELECT tbl_name AS name, sum(pgsize) AS bytes FROM dbstat('main', 1) JOIN sqlite_schema USING (name) GROUP BY tbl_name`,
    )
    .all();
  const bytesOf = new Map(sizes.map(({ name, bytes }) => [name, bytes]));
  return contentsOf(db).map((table) => {
    const bytes = bytesOf.get(table.name) ?? 0;
    return { ...table, bytes, bytesPerRow: table.rows === 0 ? null : Math.round(bytes / table.rows) };
  });
}

function dayStats(db: Database, tables: readonly TableStats[], nowMs: number): readonly DayStats[] {
  const bytesPerRow = (name: string) => tables.find((table) => table.name === name)?.bytesPerRow ?? 0;
  const sum = (what: string, name: string, day: string, next: string): number => {
    if (!tables.some((table) => table.name === name)) return 0; // of an earlier version
    const rows = db.prepare(`SELECT ${what} FROM ${name} WHERE timestamp >= ? AND timestamp < ?`).pluck();
    return Number(rows.get(day, next));
  };
  // A row may stand for several answers.
  const answers = hasColumn(db, 'served_decisions', 'count') ? 'coalesce(sum(count), 0)' : 'count(*)';
  const dayAt = (ago: number) => new Date(nowMs - ago * dayMs).toISOString().slice(0, 10);
  return Array.from({ length: daysShown }, (_, ago) => {
    const [day, next] = [dayAt(ago), dayAt(ago - 1)];
    const evaluations = sum('count(*)', 'evaluations', day, next);
    const decisions = sum(answers, 'served_decisions', day, next);
    const servedRows = sum('count(*)', 'served_decisions', day, next);
    const bytes = evaluations * bytesPerRow('evaluations') + servedRows * bytesPerRow('served_decisions');
    return { day, evaluations, decisions, bytes };
  });
}

function hasColumn(db: Database, table: string, column: string): boolean {
  return db.prepare('SELECT 1 FROM pragma_table_info(?) WHERE name = ?').get(table, column) !== undefined;
}

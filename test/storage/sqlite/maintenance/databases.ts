import { copyFileSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { scratch } from '../../../support/scratch.ts';
import { makeOrder, makeServed } from '../../make-activity.ts';
import { makeEvaluations } from '../../make-evaluation.ts';
import { openStorage } from '../open-storage.ts';

/** A database that a server of today left, alone in its directory. */
export async function closedDatabase(rows: number): Promise<string> {
  const storage = await openStorage();
  for (let row = 0; row < rows; row++) storage.activity.served(makeServed({ caller: `ci-${row}` }));
  storage.activity.ordered(makeOrder());
  await Promise.all(makeEvaluations(rows).map((evaluation) => storage.log.append(evaluation)));
  await storage.close(10_000);
  return storage.path;
}

/** The same with rows in a log, as a killed server leaves it: without a note, or with one that speaks of another file. */
export async function killedDatabase(rows: number): Promise<string> {
  const path = await closedDatabase(rows);
  const db = new Sqlite(path);
  db.pragma('wal_autocheckpoint = 0');
  db.exec(`UPDATE evaluations SET service = 'in the log'`);
  const left = join(scratch(), 'aegis.db');
  for (const end of ['', '-wal']) copyFileSync(path + end, left + end);
  db.close();
  return left;
}

/** All that stands in the directory of a file: names, bytes and times. */
export function everythingBeside(path: string): unknown {
  const directory = dirname(path);
  return readdirSync(directory).map((name) => {
    const file = join(directory, name);
    return { name, bytes: readFileSync(file).toString('base64'), mtimeMs: statSync(file).mtimeMs };
  });
}

/** Every row of every table of ours. */
export function rowsOf(path: string): Record<string, unknown[]> {
  const db = new Sqlite(path, { fileMustExist: true });
  const tables = db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).pluck().all() as string[];
  const rows = tables.sort().map((table) => [table, db.prepare(`SELECT * FROM "${table}" ORDER BY 1`).all()]);
  db.close();
  return Object.fromEntries(rows) as Record<string, unknown[]>;
}

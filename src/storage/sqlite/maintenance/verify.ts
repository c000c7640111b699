import { statSync } from 'node:fs';
import Sqlite, { type Database } from 'better-sqlite3';
import { checkTables, currentVersion, tableNames, versionOf, writerOf } from '../migrations.ts';
import { AegisError } from '../../../errors.ts';
import { openersOf, type Opener } from '../open-files.ts';
import { logSize } from '../set-aside.ts';
import { atOneInstant } from './instant.ts';
import { withDatabase } from './open.ts';
import { contentsOf, type TableContents } from './tables.ts';

/** A database that could be read, and what is wrong with it. */
export interface Verified {
  readonly file: string;
  readonly bytes: number;
  /** Of the write-ahead log beside it, which is read with it; 0 where there is none. */
  readonly logBytes: number;
  readonly openedBy: readonly Opener[];
  readonly version: number;
  /** The version of AegisSLO that brought it to its version, where it says so. */
  readonly writtenBy: string | null;
  /** Whether this program can open it for writing. */
  readonly isNewer: boolean;
  /** In SQLite's words, at most twenty; none in a sound one. */
  readonly damage: readonly string[];
  /** Empty where the damage leaves them unreadable. */
  readonly tables: readonly TableContents[];
}

/** Reads every page of a database, and writes nothing. Throws as `withDatabase`. */
export function verify(given: string): Promise<Verified> {
  return withDatabase(given, (db, file) => {
    const openedBy = [...openersOf(file)].filter(({ pid }) => pid !== process.pid);
    // One transaction: the rows that are counted are those that were checked.
    return atOneInstant(db, () => ({ ...verified(db, file), openedBy }));
  });
}

function verified(db: Database, file: string): Omit<Verified, 'openedBy'> {
  checkIsOurs(db, file);
  const version = versionOf(db);
  const damage = damageOf(db);
  return {
    file,
    bytes: statSync(file).size,
    logBytes: logSize(file),
    version,
    writtenBy: writerOf(db, version),
    isNewer: version > currentVersion,
    damage,
    tables: damage.length === 0 ? contentsOf(db) : [],
  };
}

/** SQLite gives several lines in one row, under a title; some damage ends its check. */
function damageOf(db: Database): readonly string[] {
  try {
    const rows = db.pragma('integrity_check(20)') as readonly { integrity_check: string }[];
    const lines = rows.flatMap((row) => row.integrity_check.split('\n'));
    return lines.filter((line) => line !== 'ok' && !line.startsWith('***'));
  } catch (error) {
    if (error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_CORRUPT')) return [error.message];
    throw error;
  }
}

/** An empty database would do for a start; it is no backup, and nothing to look after. */
function checkIsOurs(db: Database, file: string): void {
  checkTables(db, file);
  if (tableNames(db).length === 0) throw new AegisError('database_unusable', `${file} is empty: it has no tables`);
}

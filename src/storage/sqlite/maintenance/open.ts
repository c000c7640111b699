import {
  constants,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  closeSync,
  realpathSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import Sqlite, { type Database } from 'better-sqlite3';
import { AegisError } from '../../../errors.ts';
import { outcomeOf } from '../failures.ts';
import { isOpenSomewhere } from '../open-files.ts';
import { logBelongs } from '../own-log.ts';
import { logPath, logSize } from '../set-aside.ts';

const busyTimeoutMs = 5_000;

/**
 * Gives a read-only connection to a database, beside a running server or without one; `path` is where the file really is.
 * Nothing of the file is changed, and nothing is left beside it. Throws `AegisError('database_unusable')` for a file that
 * is no database or is corrupt, and `AegisError('audit_unavailable')` for one that cannot be read now. `evenDamaged` opens
 * a file that was cut off, too.
 */
export async function withDatabase<T>(
  given: string,
  use: (db: Database, path: string) => T | Promise<T>,
  { evenDamaged = false } = {},
): Promise<T> {
  const path = existingFile(given);
  if (await isLogForeign(path)) {
    throw unreadable(
      `${path}: ${logPath(path)} was written for another file (a backup was put over it): start aegis-server once, which sets the log aside, or move it away`,
    );
  }
  if ((statSync(`${path}-journal`, { throwIfNoEntry: false })?.size ?? 0) > 0) {
    throw unreadable(`${path}: a change to it was cut off, or is under way: start aegis-server once, which ends it`);
  }
  const hadLog = existsSync(logPath(path));
  let open: { readonly db: Database; readonly close: () => void } | undefined;
  try {
    open = openForReading(path, evenDamaged);
    return await use(open.db, path);
  } catch (error) {
    throw asReadingError(error, path);
  } finally {
    open?.close();
    if (!hadLog) removeEmptyLog(path);
  }
}

function existingFile(given: string): string {
  const stat = statSync(given, { throwIfNoEntry: false });
  if (stat === undefined) throw unreadable(`${given}: there is no such file`);
  if (!stat.isFile()) throw unreadable(`${given} is no regular file`);
  return realpathSync(given);
}

function unreadable(message: string): AegisError {
  return new AegisError('audit_unavailable', message);
}

/** A server that notices it takes its log away within a second; at a checkpoint the look can be wrong for a moment. */
async function isLogForeign(path: string): Promise<boolean> {
  for (let look = 0; look < 5; look++) {
    if (logSize(path) === 0 || logBelongs(path) !== 'no') return false;
    await wait(300);
  }
  return true;
}

function openForReading(path: string, evenDamaged: boolean): { db: Database; close: () => void } {
  const db = new Sqlite(path, { readonly: true, timeout: busyTimeoutMs });
  const close = () => void db.close();
  try {
    // SQLite refuses a file that was cut off, unless its schema is being repaired.
    if (evenDamaged) db.unsafeMode().pragma('writable_schema = ON');
    db.pragma('schema_version');
    return { db, close };
  } catch (error) {
    close();
    const cannotMakeIndex = error instanceof Sqlite.SqliteError && /CANTOPEN|READONLY/.test(error.code);
    if (!cannotMakeIndex || logSize(path) > 0 || isOpenSomewhere(path)) throw error;
    return openCopy(path);
  }
}

/**
 * In a directory that cannot be written to, SQLite cannot open a database in WAL mode. A copy is opened that is not in
 * it: without a log the file is whole.
 */
function openCopy(path: string): { db: Database; close: () => void } {
  const directory = mkdtempSync(join(tmpdir(), 'aegis-db-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    const copy = join(directory, 'copy.db');
    copyFileSync(path, copy, constants.COPYFILE_FICLONE);
    const fd = openSync(copy, 'r+');
    writeSync(fd, Buffer.from([1, 1]), 0, 2, 18); // the versions of the format: no WAL (sqlite.org/fileformat.html)
    closeSync(fd);
    const db = new Sqlite(copy, { readonly: true });
    return {
      db,
      close() {
        db.close();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

/** SQLite makes an empty log and an index to read. It takes them away itself, where nobody else has the file open. */
function removeEmptyLog(path: string): void {
  if (!existsSync(logPath(path)) || logSize(path) > 0) return;
  try {
    const db = new Sqlite(path, { fileMustExist: true, timeout: 0 });
    try {
      db.pragma('schema_version');
    } finally {
      db.close();
    }
  } catch {
    // Not ours to write, or in use: an empty log does no harm.
  }
}

function asReadingError(error: unknown, path: string): unknown {
  if (!(error instanceof Sqlite.SqliteError)) return error;
  const outcome = outcomeOf(error, path);
  if (outcome.kind === 'opened') return error;
  return new AegisError(outcome.kind === 'unusable' ? 'database_unusable' : 'audit_unavailable', outcome.message);
}

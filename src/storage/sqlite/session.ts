import Sqlite, { type Database } from 'better-sqlite3';
import { closeSync, openSync } from 'node:fs';
import { type FileStamp, stampOf } from './file-stamp.ts';
import type { Report } from './messages.ts';
import { currentVersion, migrate } from './migrations.ts';
import { askToGiveBack, rewriteSmall } from './retention/incremental.ts';
import { logPath, walIndexPath } from './set-aside.ts';

/**
 * The open database of the writing thread.
 *
 * Two files are held open beside SQLite's own connections, to be read and synced by us. They are closed after the last
 * connection of this process: closing any descriptor of a file drops all of the process's POSIX locks on it, SQLite's
 * too (sqlite.org/howtocorrupt.html, section 2.2). For the same reason nothing else here opens the database or its
 * `-shm` while a connection stands, and one process opens a database once.
 */
export interface Session {
  readonly db: Database;
  /**
   * A read-only connection. While it stands, SQLite cannot get the exclusive lock under which a closing connection
   * writes the log into the database file, so `db` can be closed without touching a file that is no longer ours.
   */
  readonly guard: Database;
  /** The database file as it was opened. */
  readonly main: FileStamp;
  readonly mainFd: number;
  readonly walIndexFd: number;
  /** The write-ahead log of these connections. */
  readonly log: FileStamp | null;
}

/** Long enough for another program's short transaction, short enough for one look at the file a second. */
export const busyTimeoutMs = 800;

/** Opens and migrates. Throws SQLite's errors, with nothing left open. */
export function openSession(path: string, report: Report): Session {
  const db = new Sqlite(path, { timeout: busyTimeoutMs });
  try {
    db.pragma('foreign_keys = OFF'); // rows outlive their SLO
    askToGiveBack(db);
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = NORMAL');
    db.pragma('wal_autocheckpoint = 0'); // the writer checkpoints, with a note before and after
    const from = migrate(db);
    if (from !== null)
      report('info', `${path} is migrated from version ${from} to ${currentVersion}: every row is kept`);
    rewriteSmall(db, path, report);
    return withGuard(db, path);
  } catch (error) {
    db.close();
    throw error;
  }
}

function withGuard(db: Database, path: string): Session {
  const guard = new Sqlite(path, { readonly: true, timeout: busyTimeoutMs });
  try {
    guard.pragma('user_version'); // the first read takes the shared lock, which a connection in WAL mode keeps
    const main = stampOf(path);
    if (main === null) throw new Error(`${path} was deleted while it was opened`);
    const log = stampOf(logPath(path));
    const walIndexFd = openSync(walIndexPath(path), 'r');
    return { db, guard, main, mainFd: openSync(path, 'r'), walIndexFd, log };
  } catch (error) {
    guard.close();
    throw error;
  }
}

/** Closes as SQLite does: the last connection writes the log into the database file and removes it. */
export function closeSession(session: Session): void {
  session.guard.close();
  session.db.close();
  closeDescriptors(session);
}

/** Closes without a checkpoint: the database file stays as another program left it, and the log beside it. */
export function abandonSession(session: Session): void {
  session.db.close();
  session.guard.close();
  closeDescriptors(session);
}

function closeDescriptors(session: Session): void {
  closeSync(session.walIndexFd);
  closeSync(session.mainFd);
}

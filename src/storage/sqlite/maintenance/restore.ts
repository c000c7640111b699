import {
  chownSync,
  chmodSync,
  copyFileSync,
  constants,
  existsSync,
  linkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import Sqlite from 'better-sqlite3';
import { AegisError, messageOf } from '../../../errors.ts';
import { removeNote, writeNote } from '../checkpoint-note.ts';
import { outcomeOf } from '../failures.ts';
import { stampOf } from '../file-stamp.ts';
import { currentVersion, newerVersion } from '../migrations.ts';
import { isOpenSomewhere, openersOf } from '../open-files.ts';
import { logPath, logSize, walIndexPath } from '../set-aside.ts';
import { checkAtStart } from '../start-check.ts';
import { copyDatabase, removeCopy, syncFile, type CopyOptions } from './copy.ts';
import { withDatabase } from './open.ts';
import { verify, type Verified } from './verify.ts';

export interface RestoreOptions extends CopyOptions {
  readonly from: string;
  readonly to: string;
  /** What happens on the way, for the one who watches. */
  readonly report: (message: string) => void;
  readonly nowMs: number;
}

export interface Restored {
  readonly to: string;
  readonly backup: Verified;
  /** Whether the backup is of an earlier version. */
  readonly isMigratedLater: boolean;
  /** Where the database before is now; null where there was none. */
  readonly kept: { readonly file: string; readonly log: string | null; readonly isSound: boolean } | null;
}

/**
 * Puts a checked copy of a backup in the place of a database that no process has open. Until the last step, one rename,
 * the database is the old one, and from then on the new one: killed at any point, either stands there whole. The old one
 * keeps its rows under a name of its own, those of its log included.
 */
export async function restore({ from, to: given, report, nowMs, ...copying }: RestoreOptions): Promise<Restored> {
  const to = targetOf(given);
  const backup = await verifiedBackup(from, to);
  checkNobodyHasItOpen(to);
  const fresh = `${to}.restoring`;
  if (isOpenSomewhere(fresh)) throw new Error(`${fresh}: another restore is under way`);
  removeCopy(fresh); // of a restore that was killed
  try {
    await withDatabase(from, (db) => copyDatabase(db, fresh, copying));
    takeOverOwner(fresh, to);
    checkNobodyHasItOpen(to);
    const old = settleOld(to, report);
    const file = old === 'none' ? null : keep(to, nowMs);
    renameSync(fresh, to);
    removeLog(to);
    syncFile(dirname(to));
    const log = file !== null && existsSync(logPath(file)) ? logPath(file) : null;
    const kept = file === null ? null : { file, log, isSound: old === 'sound' };
    return { to, backup, isMigratedLater: backup.version < currentVersion, kept };
  } catch (error) {
    removeCopy(fresh);
    throw error;
  }
}

function targetOf(given: string): string {
  if (existsSync(given)) return realpathSync(given);
  const directory = dirname(resolve(given));
  if (!existsSync(directory)) throw new AegisError('invalid_setting', `${given}: its directory does not exist`);
  return join(realpathSync(directory), basename(given));
}

async function verifiedBackup(from: string, to: string): Promise<Verified> {
  const backup = await verify(from);
  if (backup.file === to) throw new AegisError('invalid_setting', `${to}: the backup is the database itself`);
  const [damage] = backup.damage;
  if (damage !== undefined)
    throw new AegisError('database_unusable', `${backup.file} is damaged (${damage}): restore another backup`);
  if (backup.isNewer) throw newerVersion(backup.file, backup.version, backup.writtenBy);
  return backup;
}

function checkNobodyHasItOpen(to: string): void {
  const openers = [to, logPath(to)].flatMap((file) => [...openersOf(file)]).filter(({ pid }) => pid !== process.pid);
  const [first] = openers;
  if (first === undefined) return;
  throw new Error(`${to} is open in process ${first.pid} (${first.name}): stop it first`);
}

/** The server has to be able to write to it, as to the one before. */
function takeOverOwner(fresh: string, to: string): void {
  const old = statSync(to, { throwIfNoEntry: false });
  const { uid, gid } = old ?? statSync(dirname(to));
  const made = statSync(fresh);
  if (made.uid !== uid || made.gid !== gid) {
    try {
      chownSync(fresh, uid, gid);
    } catch (error) {
      if (old !== undefined || made.uid === uid)
        throw new Error(`the owner of ${to} is ${uid}:${gid}: restore as that user, or as root`, { cause: error });
    }
  }
  chmodSync(fresh, old === undefined ? 0o600 : old.mode & 0o777);
}

/**
 * Makes the old database one file, its log written into it, where it is sound. SQLite does that only where nobody else
 * has it open, by its locks, which are seen where `/proc` shows nothing: in another container, of another user.
 */
function settleOld(to: string, report: (message: string) => void): 'none' | 'sound' | 'damaged' {
  const verdict = checkAtStart(to, (_level, message) => report(message));
  if ((statSync(to, { throwIfNoEntry: false })?.size ?? 0) === 0) return 'none';
  if (verdict.kind === 'unavailable') throw new Error(verdict.message);
  const found = verdict.kind === 'unusable' ? verdict : foldLogIn(to);
  if (found.kind === 'fit') return 'sound';
  report(`${found.message}; it is kept as it is`);
  return 'damaged';
}

function foldLogIn(to: string): { kind: 'fit' } | { kind: 'unusable'; message: string } {
  let db: Sqlite.Database | undefined;
  try {
    db = new Sqlite(to, { fileMustExist: true, timeout: 1_000 });
    const mode = String(db.pragma('journal_mode = DELETE', { simple: true }));
    if (mode !== 'delete') throw new Error('its log is in use');
    return { kind: 'fit' };
  } catch (error) {
    const outcome = error instanceof Sqlite.SqliteError ? outcomeOf(error, to) : null;
    if (outcome?.kind === 'unusable') return outcome;
    throw new Error(
      `${to} cannot be closed (${messageOf(error)}): stop what has it open, and see that its disk has room`,
      {
        cause: error,
      },
    );
  } finally {
    db?.close();
  }
}

/** Gives the old database a second name, with its log or journal where it still has one. */
function keep(to: string, nowMs: number): string {
  const time = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '');
  const kept = freeName(`${to}.before-restore-${time}`);
  duplicate(to, kept);
  if (logSize(to) > 0) {
    duplicate(logPath(to), logPath(kept));
    noteOldFile(to);
  }
  // Beside the new file SQLite would play it back into that.
  if (existsSync(`${to}-journal`)) renameSync(`${to}-journal`, `${kept}-journal`);
  return kept;
}

/** A start that finds the new file beside the old log, should the end not come, sees that they do not belong together. */
function noteOldFile(to: string): void {
  const file = stampOf(to);
  const wal = { salts: '', backfilled: 0, attempted: 0, frames: 0 };
  if (file !== null) writeNote(to, { state: 'checkpointed', file, wal });
}

/** Of two restores within a second, each keeps what it found. */
function freeName(name: string): string {
  let free = name;
  for (let number = 2; existsSync(free); number++) free = `${name}-${number}`;
  return free;
}

function duplicate(file: string, as: string): void {
  if (existsSync(as)) throw new Error(`${as} exists: move it away`);
  try {
    linkSync(file, as);
  } catch {
    copyFileSync(file, as, constants.COPYFILE_EXCL); // a file system without links
    syncFile(as);
  }
}

function removeLog(to: string): void {
  for (const file of [logPath(to), walIndexPath(to)]) rmSync(file, { force: true });
  removeNote(to);
}

import Sqlite from 'better-sqlite3';
import { closeSync, existsSync, openSync, readSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { AegisError } from '../../errors.ts';
import { corrupt, notADatabase, outcomeOf } from './failures.ts';
import type { Report } from './messages.ts';
import { checkOwnership, currentVersion, newerVersion, writerOf } from './migrations.ts';
import { isOpenSomewhere } from './open-files.ts';
import { logBelongs } from './own-log.ts';
import { logPath, logSize, setLogAside, walIndexPath } from './set-aside.ts';

export type StartVerdict =
  | { readonly kind: 'fit' }
  | { readonly kind: 'unavailable'; readonly message: string }
  | { readonly kind: 'unusable'; readonly message: string };

const fit: StartVerdict = { kind: 'fit' };

// It reads every page, 1.4 s of CPU a gigabyte: a larger file would hold the start up. Of that one SQLite sees at the
// first read whether it is cut off; `aegis db verify` reads it through.
const largestCheckedBytes = 256 * 2 ** 20;

/**
 * Looks at what stands under the path before anything is opened for writing, so that a file that is not ours is left as
 * it is, and so that a write-ahead log is applied to no file but its own. Called while this process has no connection.
 */
export function checkAtStart(path: string, report: Report): StartVerdict {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined || (stat.isFile() && stat.size === 0)) return checkEmpty(path, report);
    if (!stat.isFile()) return { kind: 'unusable', message: notADatabase(path, 'it is no regular file') };
    const verdict = checkHeader(path);
    if (verdict.kind !== 'fit') return verdict;
    if (logSize(path) > 0) return checkWithLog(path, report);
    return stat.size <= largestCheckedBytes ? quickCheck(path) : lookingAt(path, (db) => checkOwnership(db, path));
  } catch (error) {
    return verdictOf(error, path);
  }
}

/** Without a file, or with an empty one, a log is that of a file that was deleted. */
function checkEmpty(path: string, report: Report): StartVerdict {
  if (!existsSync(dirname(path))) {
    return { kind: 'unavailable', message: `${path}: its directory does not exist` };
  }
  return setAsideAndReport(path, `${path} was deleted`, report);
}

/** The first 100 bytes of every SQLite file (sqlite.org/fileformat.html, section 1.3). */
function checkHeader(path: string): StartVerdict {
  const header = Buffer.alloc(100);
  const fd = openSync(path, 'r');
  const length = readSync(fd, header, 0, header.length, 0);
  closeSync(fd);
  if (length < header.length || header.toString('latin1', 0, 16) !== 'SQLite format 3\0') {
    return { kind: 'unusable', message: notADatabase(path, 'it does not begin as one') };
  }
  const version = header.readUInt32BE(60);
  return version > currentVersion ? newerThanThis(path, version) : fit;
}

function newerThanThis(path: string, version: number): StartVerdict {
  const named = lookingAt(path, (db) => {
    throw newerVersion(path, version, writerOf(db, version));
  });
  // One that cannot be opened is of a newer version all the same.
  return named.kind === 'unusable' ? named : { kind: 'unusable', message: newerVersion(path, version, null).message };
}

function checkWithLog(path: string, report: Report): StartVerdict {
  if (logBelongs(path) === 'no') {
    const verdict = setAsideAndReport(path, `${path} was replaced while no server ran`, report);
    return verdict.kind === 'fit' ? quickCheck(path) : verdict;
  }
  const together = quickCheck(path);
  if (together.kind !== 'unusable') return together;
  const aside = setLogAside(path);
  if (aside.kind !== 'kept') return together;
  const alone = quickCheck(path);
  if (alone.kind !== 'fit') {
    rmSync(walIndexPath(path), { force: true });
    renameSync(aside.as, logPath(path)); // neither is sound: all stays as it was found
    return together;
  }
  report('error', `${together.message}. Without its write-ahead log it is sound: that is set aside as ${aside.as}`);
  return fit;
}

function setAsideAndReport(path: string, why: string, report: Report): StartVerdict {
  const aside = setLogAside(path);
  if (aside.kind === 'inUse') {
    const message = `${path}: another process still has the write-ahead log of the file before open`;
    return { kind: 'unavailable', message };
  }
  if (aside.kind === 'kept') report('warn', `${why}: its write-ahead log is set aside as ${aside.as}, not applied`);
  return fit;
}

function quickCheck(path: string): StartVerdict {
  // A rollback journal has to be played back first, which the writing connection does.
  if ((statSync(`${path}-journal`, { throwIfNoEntry: false })?.size ?? 0) > 0) return fit;
  return lookingAt(path, (db) => {
    checkOwnership(db, path);
    const found = db.pragma('quick_check(1)', { simple: true });
    if (found !== 'ok') throw new AegisError('database_unusable', corrupt(path, String(found)));
  });
}

/**
 * Opens read-only, with the log where there is one: a read-only connection never writes the log into the file. What the
 * look throws is the verdict.
 */
function lookingAt(path: string, look: (db: Sqlite.Database) => void): StartVerdict {
  const hadLog = existsSync(logPath(path));
  const verdict = verdictOfLook(path, look);
  // SQLite makes an empty log and an index to read; a file that is refused is left as it was found.
  if (verdict.kind !== 'fit' && !hadLog && logSize(path) === 0 && !isOpenSomewhere(logPath(path))) setLogAside(path);
  return verdict;
}

function verdictOfLook(path: string, look: (db: Sqlite.Database) => void): StartVerdict {
  let db: Sqlite.Database | undefined;
  try {
    db = new Sqlite(path, { readonly: true, timeout: 800 });
    look(db);
    return fit;
  } catch (error) {
    return verdictOf(error, path);
  } finally {
    db?.close();
  }
}

function verdictOf(error: unknown, path: string): StartVerdict {
  const outcome = outcomeOf(error, path);
  return outcome.kind === 'opened' ? fit : outcome;
}

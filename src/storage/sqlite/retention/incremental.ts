import type { Database } from 'better-sqlite3';
import { statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '../../../errors.ts';
import type { Report } from '../messages.ts';
import { givesBack } from './pages.ts';

/** Larger ones take long to rewrite, and rows would wait meanwhile. */
const largestRewritten = 256 * 1024 * 1024;
/** A rewrite stands in the log and in a temporary file before it is the database. */
const roomFactor = 3;

/**
 * Lets a database give its free pages back to the file system. To be called before anything is written to a new one; one
 * that was made without is asked for it again by `rewriteSmall`.
 */
export function askToGiveBack(db: Database): void {
  db.pragma('auto_vacuum = INCREMENTAL');
}

/**
 * A database that an older program made does not give space back: it is rewritten once, where that takes a moment and
 * there is ample room. Otherwise its free pages are used again for new rows, and an operator may rewrite it.
 */
export function rewriteSmall(db: Database, path: string, report: Report): void {
  if (givesBack(db)) return;
  try {
    const { size } = statSync(path);
    const { bavail, bsize } = statfsSync(dirname(path));
    if (size <= largestRewritten && bavail * bsize >= size * roomFactor) db.exec('VACUUM');
    else report('info', `${path} keeps the space of deleted rows for new ones; ${remedy}`);
  } catch (error) {
    report('info', `${path} keeps the space of deleted rows for new ones (${messageOf(error)}); ${remedy}`);
  }
}

const remedy = 'docs/operations.md says how it gives it back to the disk';

import { closeSync, fsyncSync, openSync, rmSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import Sqlite, { type Database } from 'better-sqlite3';
import { messageOf } from '../../../errors.ts';
import { endReading } from './instant.ts';
import { contentsOf, type TableContents } from './tables.ts';

export interface CopyOptions {
  readonly onProgress?: (donePages: number, pages: number) => void;
  /** Ends the copy: it rejects. */
  readonly signal?: AbortSignal;
}

export interface Copied {
  readonly pages: number;
  readonly bytes: number;
  readonly tables: readonly TableContents[];
}

const pagesAtOnce = 500;

/**
 * Copies the database as it is at this instant to a new file, checks the copy, and syncs it to the disk. The copy is one
 * file, in no WAL mode, so that it can be read where nothing can be written. Rejects with what is in the way; the caller
 * removes what was copied (`removeCopy`).
 *
 * SQLite's backup begins anew whenever another process writes to the source, which beside a server is for ever. So one
 * read transaction stands for as long as the copy takes: the source does not change for this connection, and writers go
 * on, for a reader in WAL mode is in no writer's way. What they write waits in the log until the copy has ended.
 */
export async function copyDatabase(db: Database, to: string, options: CopyOptions = {}): Promise<Copied> {
  closeSync(openSync(to, 'wx', 0o600)); // before there is anything to read in it
  db.exec('BEGIN');
  try {
    const tables = contentsOf(db); // the first read fixes the instant
    const pages = Number(db.pragma('page_count', { simple: true }));
    const bytes = pages * Number(db.pragma('page_size', { simple: true }));
    checkSpace(to, bytes);
    await copyPages(db, to, options);
    settle(to, tables);
    return { pages, bytes, tables };
  } finally {
    endReading(db);
  }
}

/** Removes a copy, or a part of one. */
export function removeCopy(to: string): void {
  for (const end of ['', '-journal', '-wal', '-shm']) rmSync(to + end, { force: true });
}

function checkSpace(to: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(dirname(to));
  const free = bavail * bsize;
  if (free >= bytes) return;
  throw new Error(`${dirname(to)} has ${mebibytes(free)} MiB free, and the copy takes ${mebibytes(bytes)} MiB`);
}

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}

async function copyPages(db: Database, to: string, { onProgress, signal }: CopyOptions): Promise<void> {
  try {
    await db.backup(to, {
      progress({ totalPages, remainingPages }) {
        signal?.throwIfAborted();
        onProgress?.(totalPages - remainingPages, totalPages);
        return pagesAtOnce;
      },
    });
  } catch (error) {
    throw new Error(signal?.aborted === true ? 'interrupted' : `${to}: ${messageOf(error)}`, { cause: error });
  }
  if (signal?.aborted === true) throw new Error('interrupted');
}

/** Checks the copy, and leaves it as one file on the disk. */
function settle(to: string, expected: readonly TableContents[]): void {
  const copy = new Sqlite(to, { fileMustExist: true });
  try {
    copy.pragma('journal_mode = DELETE');
    const found = String(copy.pragma('quick_check(1)', { simple: true }));
    if (found !== 'ok')
      throw new Error(`the copy is not sound (${found}), as the database is not: see aegis db verify`);
    const copied = contentsOf(copy);
    if (JSON.stringify(copied) !== JSON.stringify(expected))
      throw new Error('the copy does not have the rows of the database');
  } catch (error) {
    throw new Error(messageOf(error), { cause: error }); // of the copy, not of the database
  } finally {
    copy.close();
  }
  syncFile(to);
}

/** Of a file that this process has no connection to (see `Session`). */
export function syncFile(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

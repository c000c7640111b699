import { chmodSync, existsSync, realpathSync, renameSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { AegisError } from '../../../errors.ts';
import { isSameFile, stampOf } from '../file-stamp.ts';
import { checkTables } from '../migrations.ts';
import { isOpenSomewhere } from '../open-files.ts';
import { copyDatabase, removeCopy, syncFile, type Copied, type CopyOptions } from './copy.ts';
import { withDatabase } from './open.ts';

export interface BackupOptions extends CopyOptions {
  readonly from: string;
  readonly to: string;
  /** Whether a file of that name is replaced. */
  readonly force: boolean;
}

/**
 * Copies a database to a file of another name, beside a running server or without one. Under the name that was asked for
 * there is a whole, checked backup, or what was there before. Throws what `withDatabase` does of the database,
 * `AegisError('invalid_setting')` for a name that will not do, and an `Error` where no valid backup could be made.
 */
export async function backUp({ from, to: given, force, ...options }: BackupOptions): Promise<Copied> {
  const to = targetOf(given);
  checkName(to, from, force);
  return withDatabase(from, async (db, path) => {
    checkTables(db, path);
    const partial = `${to}.partial`;
    if (isOpenSomewhere(partial)) throw new Error(`${partial}: another backup to this file is under way`);
    removeCopy(partial); // of a backup that was killed
    try {
      const copied = await copyDatabase(db, partial, options);
      chmodSync(partial, statSync(path).mode & 0o777); // whoever may read the database may read its backup
      checkName(to, from, force); // it took a while
      renameSync(partial, to);
      syncFile(dirname(to));
      return copied;
    } catch (error) {
      removeCopy(partial);
      throw error;
    }
  });
}

function targetOf(given: string): string {
  const directory = dirname(resolve(given));
  if (!existsSync(directory)) throw mistake(given, 'its directory does not exist');
  return join(realpathSync(directory), basename(resolve(given)));
}

function checkName(to: string, from: string, force: boolean): void {
  const stat = statSync(to, { throwIfNoEntry: false });
  if (isSame(to, from)) throw mistake(to, 'it is the database itself');
  if (existsSync(from) && [...besides, '-note'].some((end) => `${realpathSync(from)}${end}` === to))
    throw mistake(to, 'the name belongs to the database');
  if (stat !== undefined && !stat.isFile()) throw mistake(to, 'it is no regular file');
  if (stat !== undefined && !force) throw mistake(to, 'it exists: name another file, or add --force to replace it');
  if (stat !== undefined && isOpenSomewhere(to)) throw mistake(to, 'a process has it open');
  // SQLite would apply it to the backup when that is opened.
  const foreign = besides
    .map((end) => to + end)
    .find((file) => (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0);
  if (foreign !== undefined) throw mistake(to, `${foreign} of another database stands beside it: move it away`);
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [stampOf(one), stampOf(other)];
  return a !== null && b !== null && isSameFile(a, b);
}

const besides = ['-wal', '-shm', '-journal'];

function mistake(path: string, why: string): AegisError {
  return new AegisError('invalid_setting', `${JSON.stringify(path)}: ${why}`);
}

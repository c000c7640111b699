import { renameSync, rmSync, statSync } from 'node:fs';
import { isOpenSomewhere } from './open-files.ts';

export function logPath(path: string): string {
  return `${path}-wal`;
}

export function walIndexPath(path: string): string {
  return `${path}-shm`;
}

/** Bytes of the write-ahead log beside the database, 0 where there is none. */
export function logSize(path: string): number {
  return statSync(logPath(path), { throwIfNoEntry: false })?.size ?? 0;
}

export type SetAside =
  | { readonly kind: 'gone' } // there was none, or it was empty
  | { readonly kind: 'kept'; readonly as: string }
  | { readonly kind: 'inUse' };

/**
 * Takes a write-ahead log that does not belong to its file out of SQLite's sight. One with content is renamed rather
 * than removed; one that any process has open stays where it is.
 */
export function setLogAside(path: string): SetAside {
  const log = logPath(path);
  const size = statSync(log, { throwIfNoEntry: false })?.size;
  if (size !== undefined && isOpenSomewhere(log)) return { kind: 'inUse' };
  rmSync(walIndexPath(path), { force: true });
  if (size === undefined || size === 0) {
    rmSync(log, { force: true });
    return { kind: 'gone' };
  }
  const kept = `${log}.${new Date().toISOString().replaceAll(':', '')}`;
  renameSync(log, kept);
  return { kind: 'kept', as: kept };
}

import { closeSync, existsSync, openSync } from 'node:fs';
import { readNote } from './checkpoint-note.ts';
import { isSameFile, isUnchanged, stampOf } from './file-stamp.ts';
import { walIndexPath } from './set-aside.ts';
import { hasCheckpointed, readWalIndex, type WalIndexState } from './wal-index.ts';

/**
 * Whether the log was written for this file. `unknown`: no note, or a checkpoint since the note may have changed the
 * file; then it is applied if the database is sound with it.
 */
export function logBelongs(path: string): 'yes' | 'no' | 'unknown' {
  const note = readNote(path);
  const file = stampOf(path);
  if (note === null || file === null) return 'unknown';
  if (!isSameFile(note.file, file)) return 'no'; // no checkpoint gives a file another inode
  if (note.state === 'checkpointing') return 'unknown';
  if (isUnchanged(note.file, file)) return 'yes';
  const wal = leftWalIndex(path);
  return wal !== null && hasCheckpointed(note.wal, wal) ? 'unknown' : 'no';
}

/** The wal-index that the last process left, read before SQLite makes it anew. */
function leftWalIndex(path: string): WalIndexState | null {
  if (!existsSync(walIndexPath(path))) return null;
  const fd = openSync(walIndexPath(path), 'r');
  try {
    return readWalIndex(fd);
  } finally {
    closeSync(fd);
  }
}

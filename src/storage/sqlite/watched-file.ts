import { fsyncSync } from 'node:fs';
import { type CheckpointNote, writeNote } from './checkpoint-note.ts';
import { type FileStamp, isSameFile, isUnchanged, stampOf } from './file-stamp.ts';
import type { FileState } from './messages.ts';
import { busyTimeoutMs, type Session } from './session.ts';
import { hasCheckpointed, isCheckpointing, readWalIndex, type WalIndexState } from './wal-index.ts';

/** The database file as it was when SQLite last had reason to write to it. */
interface Baseline {
  readonly file: FileStamp;
  readonly wal: WalIndexState;
}

export interface WatchedFile {
  /** Whether the file under the path is the one that was opened, changed by nobody but SQLite. */
  inspect(): FileState;
  /** Writes the log into the file, as far as readers of other processes let it; not into a file that is foreign. */
  checkpoint(): void;
  /**
   * To be called after every transaction: one can start the log anew, and seen now, that is no other's checkpoint later.
   * Gives the frames of the log that are not in the file yet.
   */
  committed(): number;
}

// A reader of another process may hold the log; it is tried again at the next turn.
const checkpointBusyTimeoutMs = 100;

/**
 * Tells a change made through SQLite from one made past it, such as `cp backup aegis.db`. Only a checkpoint writes to
 * the file, and every checkpoint leaves its mark in the wal-index: so a file that changed while the wal-index did not
 * is foreign.
 */
export function watchFile(path: string, session: Session): WatchedFile {
  let baseline: Baseline | null = null;
  let isMarked = false; // the note says `checkpointing`

  /** Taken between two equal stamps, and not while a checkpoint writes: then the next look takes it. */
  function rebase(): void {
    const before = stampOf(path);
    const wal = readWalIndex(session.walIndexFd);
    const after = stampOf(path);
    if (before === null || after === null || wal === null) return;
    if (!isUnchanged(before, after) || isCheckpointing(wal)) return;
    baseline = { file: after, wal };
    note('checkpointed', baseline);
  }

  function note(state: CheckpointNote['state'], { file, wal }: Baseline): void {
    writeNote(path, { state, file, wal });
    isMarked = state === 'checkpointing';
  }

  function inspect(): FileState {
    const file = stampOf(path);
    if (file === null) return 'deleted';
    if (baseline !== null && !isSameFile(baseline.file, file)) return 'replaced';
    // In this order: a checkpoint marks the wal-index before it writes, so a change that is SQLite's is never unmarked.
    const wal = readWalIndex(session.walIndexFd);
    if (wal === null) return 'same'; // it is being changed this very moment
    const isWritten = baseline === null || !isUnchanged(baseline.file, file);
    const isCheckpointed = baseline === null || hasCheckpointed(baseline.wal, wal);
    if (isWritten && !isCheckpointed) return 'replaced';
    if (isCheckpointed || isMarked) rebase();
    return 'same';
  }

  function checkpoint(): void {
    if (inspect() !== 'same' || baseline === null) return;
    note('checkpointing', baseline);
    session.db.pragma(`busy_timeout = ${checkpointBusyTimeoutMs}`);
    try {
      session.db.pragma('wal_checkpoint(TRUNCATE)');
    } finally {
      session.db.pragma(`busy_timeout = ${busyTimeoutMs}`);
    }
    fsyncSync(session.mainFd); // SQLite syncs the content; the note speaks of size and time too
    rebase();
  }

  function committed(): number {
    const wal = readWalIndex(session.walIndexFd);
    if (wal === null) return 0;
    // Where no checkpoint left its mark, there is nothing to take anew, and the file is looked at before the next commit.
    if (baseline === null || isMarked || hasCheckpointed(baseline.wal, wal)) inspect();
    return wal.frames - wal.backfilled;
  }

  rebase();
  return { inspect, checkpoint, committed };
}

import { closeSync, constants, fsyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import type { FileStamp } from './file-stamp.ts';
import type { WalIndexState } from './wal-index.ts';

/**
 * What the database file was like after the last checkpoint. It stands beside the file (`aegis.db-note`), so that the
 * next start knows whether the write-ahead log that it finds belongs to the file that it finds.
 */
export interface CheckpointNote {
  /** `checkpointing` from before the first write of a checkpoint until after its last: then the stamp says nothing. */
  readonly state: 'checkpointing' | 'checkpointed';
  readonly file: FileStamp;
  readonly wal: WalIndexState;
}

function notePath(path: string): string {
  return `${path}-note`;
}

// One write of one length in place: never an empty or a half note, and no new block when the disk is full.
const noteBytes = 512;

export function writeNote(path: string, note: CheckpointNote): void {
  const fd = openSync(notePath(path), constants.O_WRONLY | constants.O_CREAT, 0o644);
  try {
    writeSync(fd, JSON.stringify(note).padEnd(noteBytes - 1) + '\n', 0);
    fsyncSync(fd); // after a power cut the note must not be older than the file
  } finally {
    closeSync(fd);
  }
}

export function removeNote(path: string): void {
  rmSync(notePath(path), { force: true });
}

/** null where there is none, or none that can be read. */
export function readNote(path: string): CheckpointNote | null {
  try {
    const note: unknown = JSON.parse(readFileSync(notePath(path), 'utf8'));
    return isNote(note) ? note : null;
  } catch {
    return null; // Without a note the log itself has to prove that it fits (start-check.ts).
  }
}

function isNote(value: unknown): value is CheckpointNote {
  if (!isRecord(value) || (value.state !== 'checkpointing' && value.state !== 'checkpointed')) return false;
  const { file, wal } = value;
  if (!isRecord(file) || !isRecord(wal)) return false;
  const texts = [file.device, file.inode, file.size, file.mtimeNs, wal.salts];
  const numbers = [wal.backfilled, wal.attempted, wal.frames];
  return texts.every((one) => typeof one === 'string') && numbers.every((one) => typeof one === 'number');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

import { readSync } from 'node:fs';
import { endianness } from 'node:os';

/** What the wal-index (`-shm`) says of the write-ahead log (sqlite.org/walformat.html, section 2.1). */
export interface WalIndexState {
  /** Changes whenever the log starts again from its beginning. */
  readonly salts: string;
  /** Frames of the log that a checkpoint has copied into the database file. */
  readonly backfilled: number;
  /** Frames that the last checkpoint set out to copy; more than `backfilled` while it copies, or where it was cut off. */
  readonly attempted: number;
  /** Valid frames in the log (mxFrame). */
  readonly frames: number;
}

const headerBytes = 48; // stands twice, so that a reader notices a change under way
const checkpointAt = 2 * headerBytes;
const attemptedAt = checkpointAt + 32;

/** Reads the state from an open `-shm`; null while it is being changed, or is not made yet. */
export function readWalIndex(fd: number): WalIndexState | null {
  const bytes = Buffer.alloc(attemptedAt + 4);
  if (readSync(fd, bytes, 0, bytes.length, 0) < bytes.length) return null;
  const header = bytes.subarray(0, headerBytes);
  const isMade = header[12] !== 0;
  if (!isMade || !header.equals(bytes.subarray(headerBytes, checkpointAt))) return null;
  return {
    salts: header.subarray(32, 40).toString('hex'),
    backfilled: uint32(bytes, checkpointAt),
    attempted: uint32(bytes, attemptedAt),
    frames: uint32(header, 16),
  };
}

// The wal-index is in the byte order of the machine.
function uint32(bytes: Buffer, offset: number): number {
  return endianness() === 'LE' ? bytes.readUInt32LE(offset) : bytes.readUInt32BE(offset);
}

/** Whether SQLite may be writing to the database file now. */
export function isCheckpointing(state: WalIndexState): boolean {
  return state.attempted !== state.backfilled;
}

/** Whether a checkpoint, by any process, may have written to the database file since. Commits alone do not count. */
export function hasCheckpointed(since: WalIndexState, now: WalIndexState): boolean {
  return since.salts !== now.salts || since.backfilled !== now.backfilled || isCheckpointing(now);
}

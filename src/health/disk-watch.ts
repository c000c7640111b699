import { stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { elapsedMs, type Clock, type Instant } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { DiskSpace } from './ports.ts';

/** The room on a file system as it was last told, and what is in the way of knowing it now. */
export interface DiskReading {
  readonly space: DiskSpace | null;
  readonly error: string | null;
}

export interface DiskWatch {
  reading(): DiskReading;
  /** Asks again, unless the last question is not answered yet: a disk that hangs keeps one thread, never two. */
  look(): void;
}

/** A file system answers from memory; one that takes longer hangs. */
const patienceMs = 2_000;

export function createDiskWatch(
  database: string,
  clock: Clock,
  ask: (database: string) => Promise<DiskSpace> = askSystem,
): DiskWatch {
  let space: DiskSpace | null = null;
  let error: string | null = null;
  let askedAt: Instant | undefined;

  async function answer(): Promise<void> {
    try {
      space = await ask(database);
      error = null;
    } catch (failure) {
      [space, error] = [null, messageOf(failure)];
    }
    askedAt = undefined;
  }

  return {
    reading() {
      const waitedMs = askedAt === undefined ? 0 : elapsedMs(askedAt, clock.now());
      if (waitedMs <= patienceMs) return { space, error };
      return { space, error: `the file system of ${database} has not answered for ${Math.floor(waitedMs / 1000)}s` };
    },
    look() {
      if (askedAt !== undefined) return;
      askedAt = clock.now();
      void answer();
    },
  };
}

/** In a thread of its own. Free is what a process without privileges may still write. */
async function askSystem(database: string): Promise<DiskSpace> {
  const { bsize, bavail, blocks } = await statfs(dirname(database));
  const databaseBytes = (await sizeOf(database)) + (await sizeOf(`${database}-wal`));
  return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize, databaseBytes };
}

/** 0 where there is no such file: it is not made yet, or its log is written back. */
async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}

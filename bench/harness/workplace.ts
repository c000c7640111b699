import { mkdtemp, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a run has started and written. However it ends, all of it is ended and removed, the last first. */
export interface Workplace {
  /** A directory of this run's, removed at its end. */
  readonly directory: string;
  onEnd(end: () => unknown): void;
}

const open = new Set<() => Promise<void>>();

/** Gives the work a place of its own and clears it up after it, whether it succeeded or not. */
export async function within<T>(work: (workplace: Workplace) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'aegis-bench-'));
  const ends: (() => unknown)[] = [() => rm(directory, { recursive: true, force: true, maxRetries: 3 })];
  const clearUp = async () => {
    for (let end = ends.pop(); end !== undefined; end = ends.pop()) {
      await Promise.resolve(end()).catch((error: unknown) => console.error('could not clear up:', error));
    }
    open.delete(clearUp);
  };
  open.add(clearUp);
  try {
    return await work({ directory, onEnd: (end) => ends.push(end) });
  } finally {
    await clearUp();
  }
}

/** A run that is interrupted clears up too. */
export function clearUpOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      const all = [...open].reverse().map((clearUp) => clearUp());
      void Promise.all(all).finally(() => process.exit(128 + constants.signals[signal]));
    });
  }
}

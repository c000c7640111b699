import type { Clock, Instant } from '../../src/clock.ts';
import { noon } from './evaluation.ts';

interface Timer {
  readonly dueMs: number;
  readonly resolve: (slept: 'elapsed') => void;
}

/** A clock that a test moves. Wall and monotonic time move together unless the wall is set. */
export interface VirtualClock extends Clock {
  /** Moves time on, waking each sleeper at its instant and letting it work before the next one. */
  advance(ms: number): Promise<void>;
  /** As an operator sets the clock: no sleeper wakes. */
  setWall(byMs: number): void;
  /** Lets everything that is ready run, without moving time. */
  settle(): Promise<void>;
}

export function createVirtualClock(): VirtualClock {
  let monotonicMs = 0;
  let wallOffsetMs = noon;
  const timers = new Set<Timer>();
  const now = (): Instant => ({ wallMs: wallOffsetMs + monotonicMs, monotonicMs });

  async function settle(): Promise<void> {
    for (let turn = 0; turn < 8; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  return {
    now,
    settle,
    setWall: (byMs) => void (wallOffsetMs += byMs),
    sleep(ms, signal) {
      if (signal?.aborted) return Promise.resolve('aborted');
      return new Promise((resolve) => {
        const onAbort = () => {
          if (timers.delete(timer)) resolve('aborted');
        };
        const timer: Timer = {
          dueMs: monotonicMs + Math.max(ms, 0),
          resolve(slept) {
            signal?.removeEventListener('abort', onAbort);
            resolve(slept);
          },
        };
        timers.add(timer);
        signal?.addEventListener('abort', onAbort, { once: true });
      });
    },
    async advance(ms) {
      const untilMs = monotonicMs + ms;
      await settle();
      for (;;) {
        const due = [...timers].filter((timer) => timer.dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)[0];
        if (due === undefined) break;
        timers.delete(due);
        monotonicMs = Math.max(monotonicMs, due.dueMs);
        due.resolve('elapsed');
        await settle();
      }
      monotonicMs = untilMs;
      await settle();
    },
  };
}

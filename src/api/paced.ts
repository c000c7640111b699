import type { Clock } from '../clock.ts';

/** Of the time, the share that the work may take: one part, and four for decisions. */
const restFactor = 4;

/** What was found is for who asked: held until the next one asks, it would be 17 MB of metrics. */
const forgotten = () => undefined;

/**
 * Work that holds the event loop, done once for all who ask for it while it waits, and then not again before four times
 * as long as it took. Whoever asks gets what was found after they asked.
 */
export function paced<T>(work: () => Promise<T>, clock: Clock): () => Promise<T> {
  let next: Promise<T> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let restUntilMs = 0;

  async function run(before: Promise<unknown>): Promise<T> {
    await before;
    await clock.sleep(Math.max(0, restUntilMs - clock.now().monotonicMs));
    next = undefined;
    const begunMs = clock.now().monotonicMs;
    try {
      return await work();
    } finally {
      const endedMs = clock.now().monotonicMs;
      restUntilMs = endedMs + restFactor * (endedMs - begunMs);
    }
  }

  return () => {
    if (next === undefined) {
      next = run(last);
      last = next.then(forgotten, forgotten);
    }
    return next;
  };
}

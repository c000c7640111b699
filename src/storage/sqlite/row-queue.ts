import type { Clock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { Appended, RowCounts } from '../ports.ts';
import type { DatabaseState } from './database.ts';
import { createFifo } from './fifo.ts';

export interface RowQueueOptions<T> {
  /** One row, as the log calls it: `evaluation`. */
  readonly what: string;
  /** Records that wait at most; beyond it the oldest entry is dropped. */
  readonly limit: number;
  /** How many records an entry stands for, in every count and bound; 1 where absent. */
  readonly weightOf?: (entry: T) => number;
  /** Resolves when the rows are committed; rejects when they are not. */
  readonly commit: (entries: readonly T[]) => Promise<void>;
  readonly state: () => DatabaseState;
  /** Told of an entry once it is known; of one that is told to be queued, it may be told that it is stored. */
  readonly settle?: (entry: T, appended: Appended) => void;
  readonly log: Log;
  readonly clock: Clock;
}

/** Rows on their way to the database. */
export interface RowQueue<T> {
  push(entry: T): void;
  /** Asks for a commit though no row waits. */
  askForCommit(): void;
  /** Writes what waits, within the bound; resolves when it is written or the bound is over. */
  readonly flush: (boundMs: number) => Promise<void>;
  counts(): RowCounts;
  /** Why the last commit failed; null where none has failed since one succeeded. */
  failure(): string | null;
}

const largestBatch = 500;
/** Records of a batch, but for those of its last entry: others wait for a commit. */
const heaviestBatch = 5_000;
const firstRetryMs = 100;
const longestRetryMs = 1_000;
/** A commit that takes longer counts as failed for those who wait for it; it may still succeed. */
const commitPatienceMs = 2_000;
/** How often within it one looks: it may be longer by one of these. */
const patienceSteps = 8;
const repeatLogMs = 60_000;

/** Gathers rows into batches: one is in flight, the next gathers meanwhile. A batch that failed goes first again. */
export function createRowQueue<T>(options: RowQueueOptions<T>): RowQueue<T> {
  const { what, limit, weightOf = () => 1, commit, state, settle, log, clock } = options;
  const waiting = createFifo<T>();
  let inFlight: readonly T[] = [];
  let isCommitAsked = false;
  let waitingWeight = 0; // what is in flight included
  let inFlightWeight = 0;
  let stored = 0;
  let dropped = 0;
  let failure: string | null = null;
  let pumping: Promise<void> | null = null;
  let pause = new AbortController();
  let askedAtMs: number | null = null; // of the commit that is in flight
  let watching: Promise<void> | null = null;
  const mayLogFailure = atMostEvery(repeatLogMs, clock);
  const mayLogDrop = atMostEvery(repeatLogMs, clock);

  function push(entry: T): void {
    waiting.push(entry);
    waitingWeight += weightOf(entry);
    dropBeyondLimit();
    if (state() === 'closed') fail('the storage is closed');
    if (failure !== null) settle?.(entry, 'queued'); // a commit has failed and none has succeeded since
    pump();
  }

  function dropBeyondLimit(): void {
    if (waitingWeight <= limit) return;
    while (waitingWeight > limit && waiting.length() > 0) {
      for (const oldest of waiting.take(1)) {
        waitingWeight -= weightOf(oldest);
        dropped += weightOf(oldest);
        settle?.(oldest, 'queued');
      }
    }
    if (mayLogDrop()) {
      const message = `${dropped} ${what}s are dropped from the audit: the oldest of more than ${limit} that wait`;
      log.error(message, { component: 'storage' });
    }
  }

  function pump(): void {
    // A turn later, so that what is pushed together is written together.
    pumping ??= Promise.resolve()
      .then(run)
      .finally(() => {
        pumping = null;
        if (hasWork()) pump(); // it came after the last look, and before this end
      });
  }

  function hasWork(): boolean {
    return state() !== 'closed' && (waiting.length() > 0 || isCommitAsked);
  }

  async function run(): Promise<void> {
    let retryMs = firstRetryMs;
    while (hasWork()) {
      if (await commitNext()) {
        retryMs = firstRetryMs;
        continue;
      }
      await pauseFor(retryMs);
      retryMs = Math.min(retryMs * 2, longestRetryMs);
    }
  }

  async function pauseFor(ms: number): Promise<void> {
    pause = new AbortController();
    await clock.sleep(ms, pause.signal);
  }

  async function commitNext(): Promise<boolean> {
    takeBatch();
    const wasCommitAsked = isCommitAsked;
    isCommitAsked = false;
    askedAtMs = clock.now().monotonicMs;
    watch();
    try {
      await commit(inFlight);
      succeed();
      return true;
    } catch (error) {
      fail(messageOf(error));
      isCommitAsked ||= wasCommitAsked;
      waiting.putBack(inFlight);
      inFlight = [];
      dropBeyondLimit();
      return false;
    } finally {
      askedAtMs = null;
    }
  }

  /** One timer over all commits, as setting and stopping one for each would cost as much as the rest of it. */
  function watch(): void {
    watching ??= clock.sleep(commitPatienceMs / patienceSteps).then(() => {
      watching = null;
      if (askedAtMs === null) return;
      watch();
      if (clock.now().monotonicMs - askedAtMs < commitPatienceMs) return;
      fail(`no answer from the database within ${commitPatienceMs / 1000} s`);
    });
  }

  function takeBatch(): void {
    let count = 0;
    inFlightWeight = 0;
    while (count < largestBatch && inFlightWeight < heaviestBatch) {
      const next = waiting.at(count);
      if (next === undefined) break;
      inFlightWeight += weightOf(next);
      count++;
    }
    inFlight = waiting.take(count);
  }

  function succeed(): void {
    const entries = inFlight;
    inFlight = [];
    stored += inFlightWeight;
    waitingWeight -= inFlightWeight;
    if (settle !== undefined) for (const entry of entries) settle(entry, 'stored');
    if (failure === null) return;
    failure = null;
    const more = waitingWeight;
    const rest = more === 0 ? '' : `; ${more} more are being written`;
    log.info(`${what}s are stored again${rest}`, { component: 'storage' });
  }

  function fail(message: string): void {
    failure = message;
    settleAllAsQueued();
    if (!mayLogFailure()) return;
    log.error(`failed to store ${what}: ${message}`, { component: 'storage', waiting: waitingWeight, dropped });
  }

  function settleAllAsQueued(): void {
    if (settle === undefined) return;
    for (const entry of [...inFlight, ...waiting.items()]) settle(entry, 'queued');
  }

  async function flush(boundMs: number): Promise<void> {
    const until = new AbortController();
    const over = clock.sleep(boundMs, until.signal).then(() => 'over' as const);
    if (hasWork()) pump();
    pause.abort();
    // A file that was replaced takes no rows before the next start: there is nothing to wait for. What came after a
    // pump's last look is the next one's.
    while (pumping !== null && state() !== 'replaced') {
      const step = clock.sleep(firstRetryMs, until.signal);
      if ((await Promise.race([pumping, over, step])) === 'over') break;
    }
    until.abort();
    settleAllAsQueued();
  }

  return {
    push,
    askForCommit() {
      isCommitAsked = true;
      pump();
    },
    flush,
    counts: () => ({ stored, waiting: waitingWeight, dropped }),
    failure: () => failure,
  };
}

/** True when it was not within the last `ms`. */
function atMostEvery(ms: number, clock: Clock): () => boolean {
  let lastMs = -Infinity;
  return () => {
    const nowMs = clock.now().monotonicMs;
    if (nowMs - lastMs < ms) return false;
    lastMs = nowMs;
    return true;
  };
}

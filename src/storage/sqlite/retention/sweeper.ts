import type { Clock } from '../../../clock.ts';
import { messageOf } from '../../../errors.ts';
import type { Log } from '../../../log.ts';
import { neverSwept, type Retention, type RetentionStatus, sweptKinds } from '../../ports.ts';
import type { AuditDatabase } from '../database.ts';
import type { SweepReport } from '../messages.ts';
import { createGrowth } from './growth.ts';
import { retentionInWords } from './words.ts';

/** The bounds of the audit, which may change while it runs. */
export interface RetentionSource {
  current(): Retention;
  readonly onChange: (listener: () => void) => void;
}

export interface Sweeper {
  readonly status: () => RetentionStatus;
  /** Begins no other slice. */
  stop(): void;
}

interface Options {
  readonly database: Pick<AuditDatabase, 'sweep'>;
  readonly retention: RetentionSource;
  readonly log: Log;
  readonly clock: Clock;
}

// After the start's own evaluations.
const firstAfterMs = 2_000;
const everyMs = 60_000;
/** After a slice the writing thread is left to others for half of the time that the slice took, waiting included. */
const restShare = 0.5;
/** Sweeps that have much to count come less often: of the time, they take a tenth. */
const pauseFactor = 10;
/** What is read within the server is read in a moment; another process may take longer, or never end. */
const heldPauseMs = 1_000;
const heldAtMost = 60;
const repeatLogMs = 3_600_000;

/** Keeps the audit within its bounds for as long as it is open: a sweep a minute, in slices between the commits. */
export function startSweeper({ database, retention, log, clock }: Options): Sweeper {
  const growth = createGrowth();
  const stopped = new AbortController();
  let status: RetentionStatus = neverSwept;
  let bounds = retention.current();
  let pause = new AbortController();
  let failedAtMs = -Infinity;

  retention.onChange(() => {
    const next = retention.current();
    if (isSame(bounds, next)) return;
    bounds = next;
    log.info(`retention changed: ${retentionInWords(next)}`, { component: 'storage' });
    pause.abort();
  });

  function take({ deleted, grown, oldestMs }: SweepReport): void {
    growth.add(grown);
    const total = sweptKinds.map((kind) => [kind, status.deleted[kind] + deleted[kind]]);
    status = {
      deleted: Object.fromEntries(total) as RetentionStatus['deleted'],
      oldestMs,
      sweptAtMs: clock.now().wallMs,
      growthBytesPerDay: growth.perDay(),
    };
  }

  /** Ends early where other bounds are ordered meanwhile: those are swept for next. */
  async function sweep(swept: Retention): Promise<void> {
    const order = { retention: swept, nowMs: clock.now().wallMs };
    let held = 0;
    for (let isNew = true; !stopped.signal.aborted && bounds === swept; isNew = false) {
      const startedMs = clock.now().monotonicMs;
      const step = await database.sweep({ ...order, isNew });
      if (step === null) return;
      if (step.kind === 'done') {
        take(step.report);
        return;
      }
      if (step.kind === 'held') {
        held += 1;
        if (held > heldAtMost) throw new Error(step.why);
        await clock.sleep(heldPauseMs, stopped.signal);
      } else {
        held = 0;
        await clock.sleep((clock.now().monotonicMs - startedMs) * restShare, stopped.signal);
      }
    }
  }

  async function run(): Promise<void> {
    let pauseMs = firstAfterMs;
    while (!stopped.signal.aborted) {
      pause = new AbortController();
      await clock.sleep(pauseMs, pause.signal);
      const swept = bounds;
      const startedMs = clock.now().monotonicMs;
      pauseMs = everyMs;
      try {
        await sweep(swept);
        pauseMs = Math.max(everyMs, (clock.now().monotonicMs - startedMs) * pauseFactor);
      } catch (error) {
        sayFailure(error);
      }
      if (bounds !== swept) pauseMs = 0;
    }
  }

  /** It is tried again with the next sweep. Where rows cannot be written either, that is said on its own. */
  function sayFailure(error: unknown): void {
    const nowMs = clock.now().monotonicMs;
    if (nowMs - failedAtMs < repeatLogMs) return;
    failedAtMs = nowMs;
    log.warn(`retention: the sweep stopped, and is tried again in a minute: ${messageOf(error)}`, {
      component: 'storage',
    });
  }

  void run();
  return {
    status: () => status,
    stop() {
      stopped.abort();
      pause.abort();
    },
  };
}

function isSame(one: Retention, other: Retention): boolean {
  return one.maxAgeMs === other.maxAgeMs && one.maxRows === other.maxRows && one.maxBytes === other.maxBytes;
}

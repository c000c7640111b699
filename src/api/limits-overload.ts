import type { Clock } from '../clock.ts';

/** What is refused when there is too much to do, so that decisions that stand already go on being answered. */
export type Costly = 'forced' | 'audit' | 'page' | 'metrics';

/** How many of each are under way at once. The rest would wait behind them, and is told so at once. */
const atOnce: Readonly<Record<Costly, number>> = { forced: 256, audit: 32, page: 16, metrics: 4 };

/** Metrics are what tells of an overload: they are bounded, and not refused because all is late. */
const waitsForCalm: Readonly<Record<Costly, boolean>> = { forced: true, audit: true, page: true, metrics: false };

const lookEveryMs = 100;
/** A loop that turns this much too late is busy; one pause, of a machine that stood still, is not. */
const lateMs = 500;
const lateLooks = 2;
/** How long a busy server refuses before it looks whether it is calm. */
const calmDownMs = 1_000;

export interface Overload {
  /** Begins a piece of work; what ends it (once, however often it is called), or undefined where it is refused. */
  begin(work: Costly): (() => void) | undefined;
  refused(): number;
  /** Looks at the event loop, until `stop`. */
  watch(): void;
  stop(): void;
}

export function createOverload(clock: Clock): Overload {
  const underWay: Record<Costly, number> = { forced: 0, audit: 0, page: 0, metrics: 0 };
  let refused = 0;
  let lookedAtMs = 0;
  let late = 0;
  let busyUntilMs = 0;
  let timer: NodeJS.Timeout | undefined;

  function look(): void {
    const nowMs = clock.now().monotonicMs;
    late = nowMs - lookedAtMs > lookEveryMs + lateMs ? late + 1 : 0;
    lookedAtMs = nowMs;
    if (late >= lateLooks) busyUntilMs = nowMs + calmDownMs;
  }

  return {
    begin(work) {
      const isBusy = waitsForCalm[work] && busyUntilMs > 0 && clock.now().monotonicMs < busyUntilMs;
      if (isBusy || underWay[work] >= atOnce[work]) {
        refused += 1;
        return undefined;
      }
      underWay[work] += 1;
      let isOver = false;
      return () => {
        if (!isOver) underWay[work] -= 1;
        isOver = true;
      };
    },
    refused: () => refused,
    watch() {
      lookedAtMs = clock.now().monotonicMs;
      timer ??= setInterval(look, lookEveryMs).unref();
    },
    stop: () => clearInterval(timer),
  };
}

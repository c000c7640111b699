import type { Clock } from '../../clock.ts';

/** What is refused when there is too much to do, so that decisions that stand already go on being answered. */
export type Costly = 'forced' | 'audit' | 'export' | 'page' | 'metrics';

/**
 * How many of each are under way at once: of forced evaluations as many SLOs, since all who ask for one share its
 * evaluation. The rest would wait behind them, and is told so at once. An export lasts for as long as its client reads.
 */
const atOnce: Readonly<Record<Costly, number>> = { forced: 256, audit: 32, export: 4, page: 16, metrics: 64 };

const lookEveryMs = 100;
/** A loop that turns this much too late is busy; one pause, of a machine that stood still, is not. */
const lateMs = 500;
/**
 * In how many looks one after another. Pipelines wait for a forced evaluation, so it is refused last; metrics are what
 * tells of an overload, and are bounded only.
 */
const lateLooks: Readonly<Record<Costly, number>> = { forced: 6, audit: 2, export: 2, page: 2, metrics: Infinity };
/** How long a busy server refuses before it looks whether it is calm. */
const calmDownMs = 1_000;

const kinds: readonly Costly[] = ['forced', 'audit', 'export', 'page', 'metrics'];

export interface Overload {
  /**
   * Begins a piece of work; what ends it (once, however often it is called), or undefined where it is refused. Pieces
   * of one name are one piece: whoever joins is not refused.
   */
  begin(work: Costly, name?: string): (() => void) | undefined;
  refused(): number;
  /** Looks at the event loop, until `stop`. */
  watch(): void;
  stop(): void;
}

export function createOverload(clock: Clock): Overload {
  const underWay: Record<Costly, number> = { forced: 0, audit: 0, export: 0, page: 0, metrics: 0 };
  /** How many share each piece of work that has a name. */
  const sharing = new Map<string, number>();
  const busyUntilMs: Record<Costly, number> = { forced: 0, audit: 0, export: 0, page: 0, metrics: 0 };
  let refused = 0;
  let lookedAtMs = 0;
  let late = 0;
  let timer: NodeJS.Timeout | undefined;

  function look(): void {
    const nowMs = clock.now().monotonicMs;
    late = nowMs - lookedAtMs > lookEveryMs + lateMs ? late + 1 : 0;
    lookedAtMs = nowMs;
    for (const work of kinds) if (late >= lateLooks[work]) busyUntilMs[work] = nowMs + calmDownMs;
  }

  function join(work: Costly, name: string, others: number): () => void {
    sharing.set(name, others + 1);
    return once(() => {
      const left = (sharing.get(name) ?? 1) - 1;
      if (left > 0) {
        sharing.set(name, left);
        return;
      }
      sharing.delete(name);
      underWay[work] -= 1;
    });
  }

  return {
    begin(work, name) {
      const others = name === undefined ? 0 : (sharing.get(name) ?? 0);
      if (name !== undefined && others > 0) return join(work, name, others);
      const isBusy = busyUntilMs[work] > 0 && clock.now().monotonicMs < busyUntilMs[work];
      if (isBusy || underWay[work] >= atOnce[work]) {
        refused += 1;
        return undefined;
      }
      underWay[work] += 1;
      return name === undefined ? once(() => (underWay[work] -= 1)) : join(work, name, 0);
    },
    refused: () => refused,
    watch() {
      lookedAtMs = clock.now().monotonicMs;
      timer ??= setInterval(look, lookEveryMs).unref();
    },
    stop: () => clearInterval(timer),
  };
}

function once(act: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) act();
    isDone = true;
  };
}

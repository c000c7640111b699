import type { CatalogueChange, CatalogueSnapshot, LoadedSlo, SloCatalogue } from '../catalogue/ports.ts';
import { elapsedMs } from '../clock.ts';
import type { MetricsAdapter } from '../eval/measurement.ts';
import type { DecisionSource } from '../policy/decision-source.ts';
import { createQueue } from './queue.ts';
import { startSloLoop, type LoopDeps, type SloLoop } from './slo-loop.ts';

export interface SchedulerOptions extends Omit<LoopDeps, 'queue' | 'adapter'> {
  readonly catalogue: SloCatalogue;
  /** The adapter of an SLO: there is one source today. */
  readonly adapterOf: (loaded: LoadedSlo) => MetricsAdapter;
  /** Evaluations under way at once. */
  readonly concurrency: number;
}

export interface Scheduler extends DecisionSource {
  /** Begins with the SLOs that the catalogue holds now, and follows it from then on. */
  start(): void;
  /** Evaluates each SLO at once: an order has changed what can be asked. */
  evaluateAll(): void;
  /** Evaluations that wait for a turn, and that are under way. */
  load(): { readonly waiting: number; readonly running: number };
  /** Ends all loops; what is under way is cancelled and leaves no trace. */
  stop(): void;
}

/** One loop an SLO, each at its own rhythm, following the catalogue. */
export function createScheduler(options: SchedulerOptions): Scheduler {
  const { catalogue, clock, evaluationLog } = options;
  const queue = createQueue(options.concurrency);
  const loops = new Map<string, SloLoop>();
  let isStopped = false;

  function open(loaded: LoadedSlo): void {
    loops.set(loaded.slo.id, startSloLoop({ ...options, queue, adapter: options.adapterOf(loaded) }, loaded));
  }

  function close(id: string): void {
    loops.get(id)?.close();
    loops.delete(id);
  }

  function define(snapshot: CatalogueSnapshot): void {
    evaluationLog.define([...snapshot.slos.values()]);
  }

  let ignoreChanges: () => void = () => undefined;

  function follow(change: CatalogueChange, snapshot: CatalogueSnapshot): void {
    for (const id of [...change.removed, ...change.changed]) close(id);
    define(snapshot);
    for (const id of [...change.added, ...change.changed]) {
      const loaded = snapshot.slos.get(id);
      if (loaded !== undefined) open(loaded);
    }
  }

  return {
    start() {
      ignoreChanges = catalogue.onChange(follow);
      define(catalogue.current());
      for (const loaded of catalogue.current().slos.values()) open(loaded);
    },

    current: (id) => loops.get(id)?.current(),

    async evaluateNow(id, reason, trace) {
      const begun = clock.now();
      const deadlineMs = options.deadlineMs();
      while (!isStopped) {
        const loop = loops.get(id);
        if (loop === undefined) return undefined;
        const leftMs = Math.max(deadlineMs - elapsedMs(begun, clock.now()), 0);
        const served = await loop.evaluateNow(reason, leftMs, trace);
        // Undefined: the SLO changed while it was evaluated. The new one is, in what is left of the time.
        if (served !== undefined) return served;
      }
      return undefined;
    },

    evaluateAll() {
      for (const loop of loops.values()) loop.evaluateAnew();
    },

    load: () => ({ waiting: queue.waiting, running: queue.running }),

    stop() {
      isStopped = true;
      ignoreChanges();
      for (const id of [...loops.keys()]) close(id);
    },
  };
}

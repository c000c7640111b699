import type { CatalogueChange, CatalogueSnapshot, LoadedSlo, SloCatalogue } from '../catalogue/ports.ts';
import { elapsedMs } from '../clock.ts';
import type { MetricsAdapter } from '../eval/measurement.ts';
import type { DecisionSource } from '../policy/decision-source.ts';
import { createQueue } from './queue.ts';
import { startSloLoop, type LoopDeps, type SloLoop } from './slo-loop.ts';
import { createTurns } from './turns.ts';

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
  /**
   * An order has changed what can be asked: no ALLOW from before it is served any more, and each SLO is evaluated, at
   * once where somebody asks for it.
   */
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
  const depsByAdapter = new Map<MetricsAdapter, LoopDeps>();
  const loops = new Map<string, SloLoop>();
  /** Those whose loops are still to be opened, and loops that are still to be evaluated anew. */
  const unopened = new Map<string, LoadedSlo>();
  const doubted = new Set<SloLoop>();
  const work = createTurns(() => openNext() || evaluateNext());
  let isStopped = false;

  /** One object for all loops of a source. */
  function depsFor(adapter: MetricsAdapter): LoopDeps {
    const deps = depsByAdapter.get(adapter) ?? { ...options, queue, adapter };
    depsByAdapter.set(adapter, deps);
    return deps;
  }

  function openNext(): boolean {
    const [next] = unopened.values();
    if (next !== undefined) open(next);
    return next !== undefined;
  }

  function evaluateNext(): boolean {
    const [next] = doubted;
    if (next === undefined) return false;
    doubted.delete(next);
    next.evaluateAnew();
    return true;
  }

  function open(loaded: LoadedSlo): SloLoop {
    const loop = startSloLoop(depsFor(options.adapterOf(loaded)), loaded);
    unopened.delete(loaded.slo.id);
    loops.set(loaded.slo.id, loop);
    return loop;
  }

  function openAll(all: Iterable<LoadedSlo>): void {
    for (const loaded of all) unopened.set(loaded.slo.id, loaded);
    work.begin();
  }

  /** Who asks for an SLO does not wait until its loop's turn has come. */
  function loopOf(id: string): SloLoop | undefined {
    const loaded = unopened.get(id);
    return loaded === undefined ? loops.get(id) : open(loaded);
  }

  function close(id: string): void {
    unopened.delete(id);
    const loop = loops.get(id);
    if (loop === undefined) return;
    loops.delete(id);
    doubted.delete(loop);
    loop.close();
  }

  function define(snapshot: CatalogueSnapshot): void {
    evaluationLog.define([...snapshot.slos.values()]);
  }

  let ignoreChanges: () => void = () => undefined;

  function follow(change: CatalogueChange, snapshot: CatalogueSnapshot): void {
    for (const id of [...change.removed, ...change.changed]) close(id);
    define(snapshot);
    openAll([...change.added, ...change.changed].flatMap((id) => snapshot.slos.get(id) ?? []));
  }

  return {
    start() {
      ignoreChanges = catalogue.onChange(follow);
      define(catalogue.current());
      openAll(catalogue.current().slos.values());
    },

    current: (id) => loops.get(id)?.current(),

    async evaluateNow(id, reason, trace) {
      const begun = clock.now();
      const deadlineMs = options.deadlineMs();
      while (!isStopped) {
        const loop = loopOf(id);
        if (loop === undefined) return undefined;
        const leftMs = Math.max(deadlineMs - elapsedMs(begun, clock.now()), 0);
        const served = await loop.evaluateNow(reason, leftMs, trace);
        // Undefined: the SLO changed while it was evaluated, or an order came. It is once more, in what is left of the time.
        if (served !== undefined) return served;
      }
      return undefined;
    },

    evaluateAll() {
      for (const loop of loops.values()) {
        loop.doubt();
        doubted.add(loop);
      }
      work.begin();
    },

    load: () => ({ waiting: queue.waiting, running: queue.running }),

    stop() {
      isStopped = true;
      ignoreChanges();
      work.end();
      unopened.clear();
      for (const id of [...loops.keys()]) close(id);
    },
  };
}

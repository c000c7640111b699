import { elapsedMs, type Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { createDirectoryReader, sameReading, withVanished, type DirectoryReading } from './directory-reader.ts';
import { logLoaded } from './log-loaded.ts';
import { nextSet, type ServedSet } from './next-set.ts';
import type { CatalogueChange, CatalogueSnapshot, LoadedSlo, SloCatalogue } from './ports.ts';

export interface CatalogueOptions {
  /** The directory of the SLO files; it need not exist yet. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Catalogue extends SloCatalogue {
  /** Reads the directory and then watches it until `stop`. Resolves when it was read; never rejects. */
  start(): Promise<void>;
  /** Resolves when nothing is read any more. */
  stop(): Promise<void>;
}

// A change is served within five seconds: it is seen within one, or two and a half where there are so many files that
// looking at them takes long, and has settled when two readings agree, which is waited for three at most.
const pollMs = 1000;
const longestPollMs = 2500;
/** The pause between two looks is at least so many times what a look takes. */
const pausesALook = 10;
const settleMs = 250;
const longestSettleMs = 3000;

/**
 * Holds the SLOs of a directory and follows its changes.
 *
 * The directory is polled. Notifications of the file system would be quicker by half a second and blind to network
 * mounts, to a directory that appears later and beyond inotify's limits, so that polling would be needed beside them.
 */
export function createCatalogue({ directory, clock, log }: CatalogueOptions): Catalogue {
  const readDirectory = createDirectoryReader(directory, () => clock.now().wallMs);
  const listeners = new Set<Parameters<SloCatalogue['onChange']>[0]>();
  const stopping = new AbortController();
  let applied: DirectoryReading | undefined;
  let served: ServedSet | undefined;
  let snapshot = emptySnapshot(clock.now().wallMs);
  let underWay: Promise<CatalogueSnapshot> | undefined;
  let queued: Promise<CatalogueSnapshot> | undefined;
  let polling: Promise<void> | undefined;

  /** Reads until two readings agree, so that no half-written file and no half of a rename is served. */
  async function readSettled(): Promise<DirectoryReading> {
    let earlier = await readDirectory();
    if (applied === undefined || sameReading(applied, earlier)) return earlier;
    for (let waitedMs = settleMs; ; waitedMs += settleMs) {
      const slept = await clock.sleep(settleMs, stopping.signal);
      const latest = await readDirectory();
      if (slept === 'aborted' || sameReading(earlier, latest)) return latest;
      // Something is rewritten again and again: the rest does not wait for it.
      if (waitedMs >= longestSettleMs) return withVanished(latest, earlier);
      earlier = latest;
    }
  }

  async function refresh(isAsked: boolean): Promise<CatalogueSnapshot> {
    const reading = await readSettled();
    if (stopping.signal.aborted) return snapshot;
    const isChanged = applied === undefined || !sameReading(applied, reading);
    if (!isChanged && !isAsked) return snapshot;
    const before = served;
    applied = reading;
    served = nextSet(before, reading);
    const change = changeBetween(before?.slos ?? new Map<string, LoadedSlo>(), served.slos);
    const message = logLoaded(log, { before: isAsked ? undefined : before, now: served, change, directory });
    const lastReload = { atMs: clock.now().wallMs, outcome: served.outcome, message };
    const { slos, filesInError, warnings, files } = served;
    snapshot = { slos, filesInError, warnings, files, lastReload };
    if (isChanged) for (const listener of listeners) listener(change, snapshot);
    return snapshot;
  }

  /** One refresh at a time; all that ask while one is under way share the next, which sees what they changed. */
  function inTurn(isAsked: boolean): Promise<CatalogueSnapshot> {
    if (underWay === undefined) {
      underWay = refresh(isAsked).finally(() => (underWay = undefined));
      return underWay;
    }
    queued ??= underWay.then(() => {
      queued = undefined;
      return inTurn(true);
    });
    return queued;
  }

  async function poll(): Promise<void> {
    let pauseMs = pollMs;
    while ((await clock.sleep(pauseMs, stopping.signal)) === 'elapsed') {
      const begun = clock.now();
      await (underWay ?? inTurn(false));
      pauseMs = Math.min(Math.max(pausesALook * elapsedMs(begun, clock.now()), pollMs), longestPollMs);
    }
  }

  return {
    current: () => snapshot,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    reload: () => inTurn(true),
    async start() {
      await inTurn(true);
      polling = poll();
    },
    async stop() {
      stopping.abort();
      await polling;
      await (queued ?? underWay);
    },
  };
}

function emptySnapshot(atMs: number): CatalogueSnapshot {
  const lastReload = { atMs, outcome: 'ok', message: 'not read yet' } as const;
  return { slos: new Map(), filesInError: [], warnings: [], files: 0, lastReload };
}

function changeBetween(before: ReadonlyMap<string, LoadedSlo>, now: ReadonlyMap<string, LoadedSlo>): CatalogueChange {
  return {
    added: [...now.keys()].filter((id) => !before.has(id)),
    changed: [...now]
      .filter(([id, { specHash }]) => (before.get(id)?.specHash ?? specHash) !== specHash)
      .map(([id]) => id),
    removed: [...before.keys()].filter((id) => !now.has(id)),
  };
}

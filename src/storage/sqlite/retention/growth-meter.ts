import type { Database } from 'better-sqlite3';
import type { Grown } from '../messages.ts';
import type { Pages } from './pages.ts';

/** Measures how much new rows take, apart from what sweeps delete. */
export interface GrowthMeter {
  /** Before a slice of a sweep: what was written since the last one is growth. */
  look(): void;
  /** After a slice: what it deleted is not. */
  mark(): void;
  /** What was seen since it was last taken. */
  take(): Grown;
}

/** Where another program changed the database meanwhile (a cleanup by cron), nothing is known of that time. */
export function createGrowthMeter(db: Database, pages: Pages): GrowthMeter {
  const changesOfOthers = () => Number(db.pragma('data_version', { simple: true }));
  const state = () => ({ bytes: pages.liveBytes(), others: changesOfOthers(), atMs: performance.now() });
  let last = state();
  let grown: Grown = { bytes: 0, overMs: 0 };

  return {
    look() {
      const now = state();
      if (now.others !== last.others) return;
      grown = { bytes: grown.bytes + now.bytes - last.bytes, overMs: grown.overMs + now.atMs - last.atMs };
    },
    mark: () => void (last = state()),
    take() {
      const taken = grown;
      grown = { bytes: 0, overMs: 0 };
      return taken;
    },
  };
}

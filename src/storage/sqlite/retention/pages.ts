import type { Database } from 'better-sqlite3';
import { slice } from './slices.ts';

/** Room that is left in the file for the next rows, so that it does not shrink and grow again every minute. */
const keptFreeShare = 0.01;
const keptFreeBytes = 1024 * 1024;
const pagesAPiece = 32;

/** The pages of the database, with what is not written back from its log yet. */
export interface Pages {
  /** Bytes of pages that hold something. */
  liveBytes(): number;
  /** Bytes of pages that are free for the next rows. */
  freeBytes(): number;
  /** Gives free pages back to the file system, but for a reserve; all of them where it would be over its size. Gives how many bytes. */
  giveBack(sizeBytes: number): Generator<void, number>;
}

export function pagesOf(db: Database): Pages {
  const number = (pragma: string) => Number(db.pragma(pragma, { simple: true }));
  const pageBytes = number('page_size');
  const free = () => number('freelist_count');
  const all = () => number('page_count');
  const live = () => all() - free();

  return {
    liveBytes: () => live() * pageBytes,
    freeBytes: () => free() * pageBytes,
    *giveBack(sizeBytes) {
      if (!givesBack(db)) return 0;
      const reserve = Math.ceil(Math.max(keptFreeBytes, all() * pageBytes * keptFreeShare) / pageBytes);
      const most = Math.floor(sizeBytes / pageBytes);
      if (free() <= 2 * reserve && all() <= most) return 0;
      const goal = () => Math.max(live(), Math.min(live() + reserve, most));
      const before = all();
      const piece = () => {
        const excess = Math.min(pagesAPiece, all() - goal());
        if (excess <= 0) return 'done';
        db.pragma(`incremental_vacuum(${excess})`);
        return 'more';
      };
      while (slice(db, piece) === 'more') yield;
      return (before - all()) * pageBytes;
    },
  };
}

/** Whether free pages can be given back without writing the whole file anew. */
export function givesBack(db: Database): boolean {
  return Number(db.pragma('auto_vacuum', { simple: true })) === incremental;
}

const incremental = 2;

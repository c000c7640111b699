import type { Database } from 'better-sqlite3';
import { parseInstant } from '../instant-text.ts';
import type { Report } from '../messages.ts';
import { instantInWords } from './words.ts';

const dayMs = 86_400_000;
/** A clock that is ahead by less deletes a day too early at the most. */
const doubtedMs = dayMs;
/** Within it a wrong clock is noticed, and set right. */
const waitMs = dayMs;

/**
 * The time that ages are counted by. A clock that was set forward would delete all that is kept, so one that is far
 * ahead of the newest row at the opening, and of the time that has passed since, is believed only after a day.
 */
export function createBelievedTime(db: Database, report: Report): (wallMs: number) => number {
  let known = { wallMs: newestMs(db), atMs: performance.now() };
  let doubtedAtMs: number | null = null;

  return (wallMs) => {
    const atMs = performance.now();
    const expectedMs = known.wallMs + atMs - known.atMs;
    const isDoubted = wallMs - expectedMs > doubtedMs;
    if (!isDoubted || (doubtedAtMs !== null && atMs - doubtedAtMs >= waitMs)) {
      known = { wallMs, atMs };
      doubtedAtMs = null;
      return wallMs;
    }
    if (doubtedAtMs === null) {
      doubtedAtMs = atMs;
      report(
        'warn',
        `retention: the clock says ${instantInWords(wallMs)}, and by the rows it is ${instantInWords(expectedMs)}: for a day rows are as old as by the rows, in case the clock is wrong`,
      );
    }
    return expectedMs;
  };
}

/** When the database was last written to; Infinity, which doubts no clock, where it does not say. */
function newestMs(db: Database): number {
  const newest = db
    .prepare<[], string | null>(
      `SELECT max((SELECT max(applied_at) FROM schema_migrations),
        coalesce((SELECT max(created_at) FROM evaluations), ''), coalesce((SELECT max(timestamp) FROM served_decisions), ''))`,
    )
    .pluck()
    .get();
  return parseInstant(String(newest))?.epochMs ?? Infinity;
}

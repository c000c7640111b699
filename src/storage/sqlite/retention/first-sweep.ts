import type { Database } from 'better-sqlite3';
import { parseInstant } from '../instant-text.ts';

/** After a migration nobody has seen yet what the new program makes of the rows: they stay a day longer. */
const waitMs = 24 * 3_600_000;
/** A new database gets all its versions at once. */
const atOnceMs = 60_000;

/**
 * Epoch milliseconds before which nothing is deleted; null for a database that was made by this version. One of the Go
 * original got all versions at once too, and is known by its rows, which have no hash of their SLO.
 */
export function firstSweepMs(db: Database): number | null {
  const { first, last } = db
    .prepare<[], { first: string; last: string }>(
      'SELECT min(applied_at) AS first, max(applied_at) AS last FROM schema_migrations',
    )
    .get() ?? { first: '', last: '' };
  const [firstMs, lastMs] = [first, last].map((text) => parseInstant(text)?.epochMs ?? 0) as [number, number];
  const isMigrated = lastMs - firstMs > atOnceMs || isOfOriginal(db);
  return isMigrated ? lastMs + waitMs : null;
}

function isOfOriginal(db: Database): boolean {
  const oldest = db.prepare('SELECT spec_hash FROM evaluations ORDER BY id LIMIT 1').pluck().get();
  return oldest === null;
}

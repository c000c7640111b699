import type { Database } from 'better-sqlite3';

/** How long a slice works before it lets commits of rows go first. */
const sliceMs = 4;

/** Runs small pieces of work in one transaction for a few milliseconds, until one of them says that there is no more. */
export function slice(db: Database, piece: () => 'more' | 'done'): 'more' | 'done' {
  const untilMs = performance.now() + sliceMs;
  const run = db.transaction(() => {
    let found = piece();
    while (found === 'more' && performance.now() < untilMs) found = piece();
    return found;
  });
  return run.immediate();
}

import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { type Clock, systemClock } from '../../clock.ts';
import { AegisError, messageOf } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { AuditReader, EvaluationLog } from '../ports.ts';
import { decodeCursor } from './cursor.ts';
import { createAuditDatabase, type AuditDatabase, type DatabaseState } from './database.ts';
import { createEvaluationLog } from './evaluation-log.ts';
import type { EncodeEvidence } from './rows.ts';

export interface SqliteStorageOptions {
  /** The database file; made where it is missing. One process opens it once (see `Session`). */
  readonly path: string;
  readonly log: Log;
  readonly encodeEvidence: EncodeEvidence;
  readonly clock?: Clock;
  /** Default 10,000. */
  readonly queueLimit?: number;
}

/** The audit in SQLite: a writing connection in one thread, a reading one in another. */
export interface SqliteStorage {
  readonly log: EvaluationLog;
  readonly reader: AuditReader;
  /**
   * `open`; `unavailable` (locked, full, read-only or gone: rows wait, and it is tried again); `replaced` (another file
   * was put in its place while the server ran: that is served, and takes new rows after a restart); `closed`.
   */
  readonly state: () => DatabaseState;
  /** Writes what waits and closes, within the bound; a clean close leaves one file with every row. Never rejects. */
  close(boundMs: number): Promise<void>;
}

// A check of a very large file may take longer: then decisions are served before it has ended.
const openPatienceMs = 5_000;
const closeReserveMs = 2_000;
const defaultQueueLimit = 10_000;

/**
 * Rejects with `AegisError('database_unusable')` for a file that is no database of AegisSLO, is corrupt, or is of a newer
 * version, and leaves it as it is. A database that is locked, full or read-only is no reason to reject.
 */
export async function openSqliteStorage(options: SqliteStorageOptions): Promise<SqliteStorage> {
  const { log, encodeEvidence, clock = systemClock, queueLimit = defaultQueueLimit } = options;
  const database = createAuditDatabase(realPath(options.path), log, clock);
  const evaluations = createEvaluationLog(database, { log, clock, queueLimit, encodeEvidence });
  await openOrServeWithout(database, log, clock);
  return {
    log: evaluations,
    reader: auditReader(database),
    state: database.state,
    close: (boundMs) => close(database, evaluations, { log, clock, boundMs }),
  };
}

/** SQLite puts its log beside the file that a link leads to. */
function realPath(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const directory = dirname(resolve(path));
  return join(existsSync(directory) ? realpathSync(directory) : directory, basename(path));
}

async function openOrServeWithout(database: AuditDatabase, log: Log, clock: Clock): Promise<void> {
  const opened = new AbortController();
  const opening = database.open().catch((error: unknown) => {
    if (error instanceof AegisError) return error;
    log.error(`failed to open the audit database: ${messageOf(error)}; evaluations wait in memory until it opens`, {
      component: 'storage',
    });
    return null;
  });
  const unusable = await Promise.race([opening, clock.sleep(openPatienceMs, opened.signal).then(() => null)]);
  opened.abort();
  if (unusable instanceof AegisError) {
    await database.terminate();
    throw unusable;
  }
}

function auditReader(database: AuditDatabase): AuditReader {
  return {
    async page({ cursor, ...filter }) {
      const after = cursor === undefined ? {} : { after: decodeCursor(cursor) };
      return database.read('page', { ...filter, ...after });
    },
    get: (evaluationId) => database.read('get', evaluationId),
  };
}

interface Closing {
  readonly log: Log;
  readonly clock: Clock;
  readonly boundMs: number;
}

async function close(database: AuditDatabase, evaluations: EvaluationLog, closing: Closing): Promise<void> {
  const { log, clock, boundMs } = closing;
  const startedAtMs = clock.now().monotonicMs;
  await evaluations.flush(boundMs - Math.min(closeReserveMs, boundMs / 2));
  const leftMs = boundMs - (clock.now().monotonicMs - startedAtMs);
  const closed = new AbortController();
  try {
    const late = clock.sleep(leftMs, closed.signal).then(() => 'late' as const);
    const outcome = await Promise.race([database.close(), late]);
    if (outcome === 'late') log.warn('the audit database did not close in time', { component: 'storage' });
  } catch (error) {
    log.error(`failed to close the audit database: ${messageOf(error)}`, { component: 'storage' });
  }
  closed.abort();
  const { waiting, lastError } = evaluations.stats();
  if (waiting > 0) {
    log.error(
      `failed to store evaluation: ${waiting} were not stored before the stop: ${lastError ?? 'no time left'}`,
      {
        component: 'storage',
      },
    );
  }
  await database.terminate();
}

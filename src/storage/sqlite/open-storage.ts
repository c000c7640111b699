import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { type Clock, systemClock } from '../../clock.ts';
import { AegisError, messageOf } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { rowKinds } from '../ports.ts';
import type { AuditStatus, AuditStorage, EvaluationLog } from '../ports.ts';
import { createActivityLog, type FlushedActivityLog } from './activity-log.ts';
import { createAuditDatabase, type AuditDatabase, type DatabaseState } from './database.ts';
import { createEvaluationLog } from './evaluation-log.ts';
import { type RetentionSource, startSweeper } from './retention/sweeper.ts';
import { activityReader, auditExporter, auditReader, keptWindowsReader } from './readers.ts';
import type { EncodeEvidence, EncodeKept } from './rows.ts';

export interface SqliteStorageOptions {
  /** The database file; made where it is missing. One process opens it once (see `Session`). */
  readonly path: string;
  readonly log: Log;
  readonly encodeEvidence: EncodeEvidence;
  readonly encodeKept?: EncodeKept;
  readonly clock?: Clock;
  /** How much is kept; everything where absent. */
  readonly retention?: RetentionSource;
  /** Evaluations that wait at most, and orders; default 10,000. */
  readonly queueLimit?: number;
  /** Served decisions that wait at most: some 600 bytes each. Default 50,000. */
  readonly decisionLimit?: number;
}

/** The audit in SQLite: a writing connection in one thread, a reading one in another. */
export interface SqliteStorage extends AuditStorage {
  readonly state: () => DatabaseState;
}

// A check of a very large file may take longer: then decisions are served before it has ended.
const openPatienceMs = 5_000;
const closeReserveMs = 2_000;
const keepAll: RetentionSource = {
  current: () => ({ maxAgeMs: 0, maxRows: 0, maxBytes: 0 }),
  onChange: () => undefined,
};
const defaultQueueLimit = 10_000;
const defaultDecisionLimit = 50_000;

/**
 * Rejects with `AegisError('database_unusable')` for a file that is no database of AegisSLO, is corrupt, or is of a newer
 * version, and leaves it as it is. A database that is locked, full or read-only is no reason to reject.
 */
export async function openSqliteStorage(options: SqliteStorageOptions): Promise<SqliteStorage> {
  const { log, encodeEvidence, encodeKept, clock = systemClock } = options;
  const { queueLimit = defaultQueueLimit, decisionLimit = defaultDecisionLimit } = options;
  const database = createAuditDatabase(realPath(options.path), log, clock);
  const evaluations = createEvaluationLog(database, { log, clock, queueLimit, encodeEvidence, encodeKept });
  const activity = createActivityLog(database, { log, clock, decisionLimit, orderLimit: queueLimit });
  const status = () => statusOf(database, evaluations, activity);
  await openOrServeWithout(database, log, clock);
  const sweeper = startSweeper({ database, retention: options.retention ?? keepAll, log, clock });
  return {
    log: evaluations,
    reader: auditReader(database),
    activity,
    activityReader: activityReader(database),
    exporter: auditExporter(database),
    keptWindows: keptWindowsReader(database),
    state: database.state,
    status,
    retention: sweeper.status,
    onCommit: database.onCommit,
    async close(boundMs) {
      sweeper.stop();
      await close({ database, evaluations, activity, status, log, clock, boundMs });
    },
  };
}

/** SQLite puts its log beside the file that a link leads to. */
export function realPath(path: string): string {
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

function statusOf(database: AuditDatabase, evaluations: EvaluationLog, activity: FlushedActivityLog): AuditStatus {
  const { lastError, ...evaluation } = evaluations.stats();
  const { decisions: decision, orders: order } = activity.stats();
  return {
    state: database.state(),
    sinceMs: database.sinceMs(),
    rows: { evaluation, decision, order },
    lastError: lastError ?? activity.failure() ?? database.trouble(),
  };
}

interface Closing {
  readonly database: AuditDatabase;
  readonly evaluations: EvaluationLog;
  readonly activity: FlushedActivityLog;
  readonly status: () => AuditStatus;
  readonly log: Log;
  readonly clock: Clock;
  readonly boundMs: number;
}

async function close({ database, evaluations, activity, status, log, clock, boundMs }: Closing): Promise<void> {
  const startedAtMs = clock.now().monotonicMs;
  const flushMs = boundMs - Math.min(closeReserveMs, boundMs / 2);
  await Promise.all([evaluations.flush(flushMs), activity.flush(flushMs)]);
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
  logNotStored(status(), log);
  await database.terminate();
}

const rowNames = { evaluation: 'evaluation', decision: 'served decision', order: 'order' } as const;

function logNotStored({ rows, lastError }: AuditStatus, log: Log): void {
  for (const kind of rowKinds) {
    const { waiting } = rows[kind];
    if (waiting === 0) continue;
    const why = lastError ?? 'no time left';
    const message = `failed to store ${rowNames[kind]}: ${waiting} were not stored before the stop: ${why}`;
    log.error(message, { component: 'storage' });
  }
}

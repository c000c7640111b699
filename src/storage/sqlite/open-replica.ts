import { type Clock, systemClock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { type AuditStatus, type AuditStorage, neverSwept, type RowCounts } from '../ports.ts';
import { realPath } from './open-storage.ts';
import { activityReader, auditExporter, auditReader } from './readers.ts';
import { startReadingThread } from './reading-thread.ts';

/** The options that follow a file's name are heard where this stands in the environment before SQLite is loaded. */
const uriSwitch = { name: 'SQLITE_USE_URI', value: '1' } as const;

export interface SqliteReplicaOptions {
  /** The database of the active server; it may be absent, and come and go. */
  readonly path: string;
  readonly log: Log;
  readonly clock?: Clock;
}

const noRows: RowCounts = { stored: 0, waiting: 0, dropped: 0 };

/**
 * The audit of a replica: another server's, read and never written. What this one evaluates, answers and is ordered is
 * kept nowhere but in its log, so nothing waits and nothing can be lost.
 */
export function openSqliteReplica({ path, log, clock = systemClock }: SqliteReplicaOptions): AuditStorage {
  process.env[uriSwitch.name] = uriSwitch.value; // before the thread loads SQLite, for the whole process
  const report = (level: 'info' | 'warn' | 'error', message: string) => log[level](message, { component: 'storage' });
  const thread = startReadingThread({ role: 'replica', path: realPath(path) }, report, clock);
  const status: AuditStatus = {
    state: 'read-only',
    sinceMs: clock.now().wallMs,
    rows: { evaluation: noRows, decision: noRows, order: noRows },
    lastError: null,
  };
  log.info(`this server is a replica (--read-only): it evaluates by itself, and only reads the audit in ${path}`, {
    component: 'storage',
  });

  return {
    log: {
      append: () => Promise.resolve('unkept'),
      define() {
        // The definitions in the database are those of the active server.
      },
      flush: () => Promise.resolve(),
      stats: () => ({ ...noRows, lastError: null }),
    },
    activity: {
      served() {
        // The line of the request has what was answered.
      },
      ordered() {
        // The line `order` has it.
      },
      stats: () => ({ decisions: noRows, orders: noRows }),
    },
    reader: auditReader(thread),
    activityReader: activityReader(thread),
    exporter: auditExporter(thread),
    // Those of the active server are as old as its last commit that was seen, and it may ask another source.
    keptWindows: { load: () => Promise.resolve(new Map()) },
    status: () => status,
    retention: () => neverSwept,
    onCommit() {
      // There are no commits.
    },
    async close() {
      await thread.terminate().catch((error: unknown) => {
        log.error(`failed to end the reading thread: ${messageOf(error)}`, { component: 'storage' });
      });
    },
  };
}

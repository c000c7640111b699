import type { Clock } from '../../clock.ts';
import type { Log } from '../../log.ts';
import type { ActivityLog, OrderRecord, ServedDecision } from '../ports.ts';
import type { AuditDatabase } from './database.ts';
import { noRows } from './messages.ts';
import { createRowIds } from './row-id.ts';
import { createRowQueue } from './row-queue.ts';

export interface ActivityLogOptions {
  readonly log: Log;
  readonly clock: Clock;
  /** Served decisions that wait at most; beyond it the oldest is dropped. */
  readonly decisionLimit: number;
  /** Orders that wait at most: a queue of their own, so that no flood of decisions costs an order. */
  readonly orderLimit: number;
}

/** What the storage does with the log of activity, beyond what its port tells others. */
export interface FlushedActivityLog extends ActivityLog {
  flush(boundMs: number): Promise<void>;
  readonly failure: () => string | null;
}

/** A record in its queue. It gets its id when it is written: what is done for each answer is to keep it. */
interface Entry<T> {
  readonly serial: number;
  readonly record: T;
}

// What a killed process loses of what it answered, at most; and as much less often is the disk written to.
const gatherMs = 250;

/**
 * Writes what was served and ordered through the thread that writes evaluations, each kind in batches of its own: an
 * evaluation waits for one small batch of these at the most.
 */
export function createActivityLog(
  database: Pick<AuditDatabase, 'commit' | 'state'>,
  { log, clock, decisionLimit, orderLimit }: ActivityLogOptions,
): FlushedActivityLog {
  const idOf = createRowIds();
  const rowsOf = <T extends { readonly atMs: number }>(entries: readonly Entry<T>[]) =>
    entries.map(({ serial, record }) => ({ id: idOf(record.atMs, serial), record }));
  let serial = 0;
  const { state } = database;
  const decisions = createRowQueue<Entry<ServedDecision>>({
    what: 'served decision',
    limit: decisionLimit,
    gatherMs,
    commit: (entries) => database.commit({ ...noRows, decisions: rowsOf(entries) }),
    state,
    log,
    clock,
  });
  const orders = createRowQueue<Entry<OrderRecord>>({
    what: 'order',
    limit: orderLimit,
    gatherMs: 0,
    commit: (entries) => database.commit({ ...noRows, orders: rowsOf(entries) }),
    state,
    log,
    clock,
  });

  return {
    served: (record: ServedDecision) => decisions.push({ serial: serial++, record }),
    ordered: (record: OrderRecord) => orders.push({ serial: serial++, record }),
    stats: () => ({ decisions: decisions.counts(), orders: orders.counts() }),
    async flush(boundMs) {
      await Promise.all([orders.flush(boundMs), decisions.flush(boundMs)]);
    },
    failure: () => orders.failure() ?? decisions.failure(),
  };
}

import type { Clock } from '../../clock.ts';
import type { Log } from '../../log.ts';
import type { ActivityLog, OrderRecord, ServedDecision } from '../ports.ts';
import type { AuditDatabase } from './database.ts';
import { noRows, type OrderRow, type ServedRow } from './messages.ts';
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
  const newId = createRowIds();
  const { state } = database;
  const decisions = createRowQueue<ServedRow>({
    what: 'served decision',
    limit: decisionLimit,
    gatherMs,
    commit: (rows) => database.commit({ ...noRows, decisions: rows }),
    state,
    log,
    clock,
  });
  const orders = createRowQueue<OrderRow>({
    what: 'order',
    limit: orderLimit,
    gatherMs: 0,
    commit: (rows) => database.commit({ ...noRows, orders: rows }),
    state,
    log,
    clock,
  });

  return {
    served: (record: ServedDecision) => decisions.push({ id: newId(record.atMs), record }),
    ordered: (record: OrderRecord) => orders.push({ id: newId(record.atMs), record }),
    stats: () => ({ decisions: decisions.counts(), orders: orders.counts() }),
    async flush(boundMs) {
      await Promise.all([orders.flush(boundMs), decisions.flush(boundMs)]);
    },
    failure: () => orders.failure() ?? decisions.failure(),
  };
}

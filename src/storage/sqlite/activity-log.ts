import type { Clock } from '../../clock.ts';
import type { Log } from '../../log.ts';
import type { ActivityLog, OrderRecord, RowCounts, ServedDecision } from '../ports.ts';
import type { AuditDatabase } from './database.ts';
import { noRows } from './messages.ts';
import { createRowIds } from './row-id.ts';
import { createRowQueue } from './row-queue.ts';
import { createServedGroups, groupSpanMs, type ServedGroup } from './served-groups.ts';

export interface ActivityLogOptions {
  readonly log: Log;
  readonly clock: Clock;
  /** Served decisions that wait to be written at most, beside those that gather; beyond it the oldest are dropped. */
  readonly decisionLimit: number;
  /** Orders that wait at most: a queue of their own, so that no flood of decisions costs an order. */
  readonly orderLimit: number;
}

/** What the storage does with the log of activity, beyond what its port tells others. */
export interface FlushedActivityLog extends ActivityLog {
  flush(boundMs: number): Promise<void>;
  readonly failure: () => string | null;
}

/** An order in its queue. It gets its id when it is written. */
interface Entry {
  readonly serial: number;
  readonly record: OrderRecord;
}

// What a killed process loses of what it answered, at most; and as much less often is the disk written to.
const gatherMs = groupSpanMs;
/** So many are written before that, lest one commit takes long. */
const mostGroups = 500;
const mostAnswers = 5_000;

/**
 * Writes what was served, in groups, and what was ordered through the thread that writes evaluations, each kind in
 * batches of its own: an evaluation waits for one small batch of these at the most.
 */
export function createActivityLog(
  database: Pick<AuditDatabase, 'commit' | 'state'>,
  { log, clock, decisionLimit, orderLimit }: ActivityLogOptions,
): FlushedActivityLog {
  const idOf = createRowIds();
  const { state } = database;
  const gathered = createServedGroups();
  let gathering: AbortController | null = null;
  const decisions = createRowQueue<ServedGroup>({
    what: 'served decision',
    limit: decisionLimit,
    weightOf: ({ requestIds }) => requestIds.length,
    commit: (groups) =>
      database.commit({
        ...noRows,
        decisions: groups.map(({ serial, ...group }) => ({ id: idOf(group.record.atMs, serial), ...group })),
      }),
    ...{ state, log, clock },
  });
  let orderSerial = 0;
  const orders = createRowQueue<Entry>({
    what: 'order',
    limit: orderLimit,
    commit: (entries) =>
      database.commit({
        ...noRows,
        orders: entries.map(({ serial, record }) => ({ id: idOf(record.atMs, serial), record })),
      }),
    ...{ state, log, clock },
  });

  function served(record: ServedDecision): void {
    gathered.add(record);
    if (gathered.length() >= mostGroups || gathered.answers() >= mostAnswers) handOver();
    else if (gathering === null) {
      gathering = new AbortController();
      void clock.sleep(gatherMs, gathering.signal).then((ended) => {
        if (ended === 'elapsed') handOver();
      });
    }
  }

  function handOver(): void {
    gathering?.abort();
    gathering = null;
    for (const group of gathered.take()) decisions.push(group);
  }

  function decisionCounts(): RowCounts {
    const counts = decisions.counts();
    return { ...counts, waiting: counts.waiting + gathered.answers() };
  }

  return {
    served,
    ordered: (record: OrderRecord) => orders.push({ serial: orderSerial++, record }),
    stats: () => ({ decisions: decisionCounts(), orders: orders.counts() }),
    async flush(boundMs) {
      handOver();
      await Promise.all([orders.flush(boundMs), decisions.flush(boundMs)]);
    },
    failure: () => orders.failure() ?? decisions.failure(),
  };
}

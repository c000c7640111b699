import { rfc3339 } from './instant-text.ts';
import { type PagedTable, parsed } from './page.ts';
import { groupSpanMs } from './served-groups.ts';

interface ServedDecisionsRow {
  readonly id: string;
  readonly timestamp: string | number;
  readonly slo_id: string;
  readonly decision: string;
  readonly evaluation_id: string;
  readonly was_forced: number;
  readonly caller: string;
  readonly address: string;
  readonly request_id: string;
  readonly count: number;
  readonly last_timestamp: string | number | null;
  readonly request_ids_json: string | null;
  readonly offsets_ms_json: string | null;
}

export const servedDecisionsTable: PagedTable<ServedDecisionsRow> = {
  kind: 'decisions',
  name: 'served_decisions',
  columns: `id, timestamp, slo_id, decision, evaluation_id, was_forced, caller, address, request_id, count,
    last_timestamp, request_ids_json, offsets_ms_json`,
  idColumn: 'id',
  indexes: [['evaluation_id'], ['slo_id', 'decision'], ['caller', 'decision'], ['decision'], []],
  span: { lastColumn: 'last_timestamp', longestMs: groupSpanMs },
  idOf: (row) => row.id,
  record: (row) => ({
    id: row.id,
    timestamp: rfc3339(String(row.timestamp)),
    sloID: row.slo_id,
    decision: row.decision,
    evaluationID: row.evaluation_id,
    forced: Boolean(row.was_forced),
    caller: row.caller,
    address: row.address,
    requestId: row.request_id,
    count: row.count,
    lastTimestamp: rfc3339(String(row.last_timestamp ?? row.timestamp)),
    requestIds: row.request_ids_json === null ? [row.request_id] : parsed(row.request_ids_json, [row.request_id]),
    offsetsMs: row.offsets_ms_json === null ? [0] : parsed(row.offsets_ms_json, [0]),
  }),
};

interface OrdersRow {
  readonly id: string;
  readonly timestamp: string | number;
  readonly request: string;
  readonly parameters_json: string;
  readonly outcome: string;
  readonly caller: string;
  readonly address: string;
  readonly request_id: string;
}

export const ordersTable: PagedTable<OrdersRow> = {
  kind: 'orders',
  name: 'orders',
  columns: 'id, timestamp, request, parameters_json, outcome, caller, address, request_id',
  idColumn: 'id',
  indexes: [['caller'], []],
  idOf: (row) => row.id,
  record: (row) => ({
    id: row.id,
    timestamp: rfc3339(String(row.timestamp)),
    order: row.request,
    parameters: parsed(row.parameters_json, {}),
    outcome: row.outcome,
    caller: row.caller,
    address: row.address,
    requestId: row.request_id,
  }),
};

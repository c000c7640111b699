import { rfc3339 } from './instant-text.ts';
import { type PagedTable, parsed } from './page.ts';

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
}

export const servedDecisionsTable: PagedTable<ServedDecisionsRow> = {
  kind: 'decisions',
  name: 'served_decisions',
  columns: 'id, timestamp, slo_id, decision, evaluation_id, was_forced, caller, address, request_id',
  idColumn: 'id',
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

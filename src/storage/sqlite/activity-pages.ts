import type { PagedTable } from './page.ts';
import { flag, instant, json, number, text } from './record.ts';
import { groupSpanMs } from './served-groups.ts';

export const servedDecisionsTable: PagedTable = {
  kind: 'decisions',
  name: 'served_decisions',
  idColumn: 'id',
  indexes: [['evaluation_id'], ['slo_id', 'decision'], ['caller', 'decision'], ['decision'], []],
  span: { lastColumn: 'last_timestamp', longestMs: groupSpanMs },
  fields: [
    text('id', 'id'),
    instant('timestamp', 'timestamp'),
    text('sloID', 'slo_id'),
    text('decision', 'decision'),
    text('evaluationID', 'evaluation_id'),
    flag('forced', 'was_forced'),
    text('caller', 'caller'),
    text('address', 'address'),
    text('requestId', 'request_id'),
    number('count', 'count'),
    instant('lastTimestamp', 'coalesce(last_timestamp, timestamp)'),
    json('requestIds', 'request_ids_json', 'json_array(CAST(request_id AS TEXT))'),
    json('offsetsMs', 'offsets_ms_json', `'[0]'`),
  ],
};

export const ordersTable: PagedTable = {
  kind: 'orders',
  name: 'orders',
  idColumn: 'id',
  indexes: [['caller'], []],
  fields: [
    text('id', 'id'),
    instant('timestamp', 'timestamp'),
    text('order', 'request'),
    json('parameters', 'parameters_json', `'{}'`),
    text('outcome', 'outcome'),
    text('caller', 'caller'),
    text('address', 'address'),
    text('requestId', 'request_id'),
  ],
};

import type { PagedTable } from './page.ts';
import { flag, instant, json, number, rowId, text } from './record.ts';

export const evaluationsTable: PagedTable = {
  kind: 'evaluations',
  name: 'evaluations',
  idColumn: 'evaluation_id',
  indexes: [
    ['slo_id', 'service', 'environment', 'decision'],
    ['service', 'environment', 'decision'],
    ['environment', 'decision'],
    ['decision'],
    [],
  ],
  fields: [
    rowId('id', 'id'),
    text('evaluationID', 'evaluation_id'),
    text('sloID', 'slo_id'),
    text('service', 'service'),
    text('environment', 'environment'),
    text('decision', 'decision'),
    number('sli', 'sli'),
    number('errorRate', 'error_rate'),
    number('budgetRemaining', 'budget_remaining'),
    flag('isStale', 'is_stale'),
    flag('hasNoTraffic', 'has_no_traffic'),
    json('reasons', 'reasons_json', `'[]'`),
    json('reasonCodes', 'reason_codes_json', `'[]'`),
    json('burnRates', 'burn_rates_json', `'{}'`),
    instant('timestamp', 'timestamp'),
    instant('createdAt', 'created_at'),
  ],
};

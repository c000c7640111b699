import { rfc3339 } from './instant-text.ts';
import { type PagedTable, parsed } from './page.ts';

/** A row as SQLite gives it. Columns that anybody may edit by hand are only what they are declared to be by habit. */
interface EvaluationsRow {
  readonly id: number;
  readonly evaluation_id: string;
  readonly slo_id: string;
  readonly service: string;
  readonly environment: string;
  readonly decision: string;
  readonly sli: number | null;
  readonly error_rate: number | null;
  readonly budget_remaining: number | null;
  readonly is_stale: number;
  readonly has_no_traffic: number;
  readonly reasons_json: string;
  readonly reason_codes_json: string;
  readonly burn_rates_json: string;
  readonly timestamp: string | number;
  readonly created_at: string | number;
}

const columns = `id, evaluation_id, slo_id, service, environment, decision, sli, error_rate, budget_remaining, is_stale,
  has_no_traffic, reasons_json, reason_codes_json, burn_rates_json, timestamp, created_at`;

export const evaluationsTable: PagedTable<EvaluationsRow> = {
  kind: 'evaluations',
  name: 'evaluations',
  columns,
  idColumn: 'evaluation_id',
  indexes: [
    ['slo_id', 'service', 'environment', 'decision'],
    ['service', 'environment', 'decision'],
    ['environment', 'decision'],
    ['decision'],
    [],
  ],
  idOf: (row) => row.evaluation_id,
  record,
};

function record(row: EvaluationsRow) {
  return {
    id: row.id,
    evaluationID: row.evaluation_id,
    sloID: row.slo_id,
    service: row.service,
    environment: row.environment,
    decision: row.decision,
    sli: row.sli,
    errorRate: row.error_rate,
    budgetRemaining: row.budget_remaining,
    isStale: Boolean(row.is_stale),
    hasNoTraffic: Boolean(row.has_no_traffic),
    reasons: parsed(row.reasons_json, []),
    reasonCodes: parsed(row.reason_codes_json, []),
    burnRates: parsed(row.burn_rates_json, {}),
    timestamp: rfc3339(String(row.timestamp)),
    createdAt: rfc3339(String(row.created_at)),
  };
}

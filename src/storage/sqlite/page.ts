import type { Database } from 'better-sqlite3';
import { encodeCursor } from './cursor.ts';
import { instantText, lowestInstantText, rfc3339 } from './instant-text.ts';
import type { PageQuery } from './messages.ts';

/** A row as SQLite gives it. Columns that anybody may edit by hand are only what they are declared to be by habit. */
interface AuditRow {
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

/** One page of the audit as the bytes of its JSON, newest first. */
export function pageOf(db: Database, query: PageQuery): Uint8Array {
  const { where, values } = conditions(query);
  // One row more than asked for tells whether there is another page.
  const rows = db
    .prepare<[Record<string, string | number>], AuditRow>(
      `SELECT ${columns} FROM evaluations ${where} ORDER BY timestamp DESC, evaluation_id DESC LIMIT @limit OFFSET @offset`,
    )
    .all({ ...values, limit: query.limit + 1, offset: query.offset ?? 0 });
  const page = rows.slice(0, query.limit);
  const last = page.at(-1);
  const nextCursor =
    rows.length > page.length && last !== undefined
      ? encodeCursor({ timestamp: String(last.timestamp), evaluationId: last.evaluation_id })
      : null;
  return new TextEncoder().encode(JSON.stringify({ records: page.map(record), total: page.length, nextCursor }));
}

interface Conditions {
  readonly where: string;
  readonly values: Record<string, string | number>;
}

function conditions(query: PageQuery): Conditions {
  const terms: string[] = [];
  const values: Record<string, string | number> = {};
  const add = (term: string, bound: Record<string, string>) => {
    terms.push(term);
    Object.assign(values, bound);
  };
  if (query.sloId !== undefined) add('slo_id = @sloId', { sloId: query.sloId });
  if (query.service !== undefined) add('service = @service', { service: query.service });
  if (query.environment !== undefined) add('environment = @environment', { environment: query.environment });
  if (query.decision !== undefined) add('decision = @decision', { decision: query.decision });
  if (query.startMs !== undefined) add('timestamp >= @start', { start: lowestInstantText(query.startMs) });
  if (query.endMs !== undefined) add('timestamp <= @end', { end: instantText(query.endMs) });
  if (query.after !== undefined) {
    const { timestamp, evaluationId } = query.after;
    add('(timestamp, evaluation_id) < (@afterTime, @afterId)', { afterTime: timestamp, afterId: evaluationId });
  }
  return { where: terms.length === 0 ? '' : `WHERE ${terms.join(' AND ')}`, values };
}

function record(row: AuditRow) {
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

/** A text that is no JSON any more (edited by hand) must not make the page unreadable. */
function parsed(text: string, otherwise: unknown): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return otherwise;
  }
}

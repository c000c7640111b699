import type { Database } from 'better-sqlite3';
import { instantText } from './instant-text.ts';
import type { DefinitionRow, Definitions, EvaluationRow, OrderRow, Rows, ServedRow, VersionRow } from './messages.ts';

const now = `strftime('%Y-%m-%d %H:%M:%f', 'now')`;

const stateColumns = `slo_id, service, environment, decision, sli, error_rate, budget_remaining, is_stale,
  has_no_traffic, reasons_json, burn_rates_json, timestamp`;
const stateValues = `@sloId, @service, @environment, @decision, @sli, @errorRate, @budgetRemaining, @isStale,
  @hasNoTraffic, @reasonsJson, @burnRatesJson, @timestamp`;

/** Each call is one transaction. */
export interface RowWriter {
  write(rows: Rows): void;
  define(definitions: Definitions): void;
}

/** Prepares the statements. */
export function rowWriter(db: Database): RowWriter {
  // A batch is sent again when it is not known whether its commit took place.
  const evaluation = db.prepare<EvaluationRow>(`
    INSERT INTO evaluations (${stateColumns}, created_at, evaluation_id, reason_codes_json, evidence, spec_hash)
    VALUES (${stateValues}, ${now}, @evaluationId, @reasonCodesJson, @evidence, @specHash)
    ON CONFLICT (evaluation_id) DO NOTHING`);
  // In its place: a row that is replaced as a whole moves to the end of its table, and writes three pages instead of one.
  const state = db.prepare<EvaluationRow>(`
    INSERT INTO latest_state (${stateColumns}, updated_at, kept_windows) VALUES (${stateValues}, ${now}, @keptWindows)
    ON CONFLICT (slo_id) DO UPDATE SET service = excluded.service, environment = excluded.environment,
      decision = excluded.decision, sli = excluded.sli, error_rate = excluded.error_rate,
      budget_remaining = excluded.budget_remaining, is_stale = excluded.is_stale,
      has_no_traffic = excluded.has_no_traffic, reasons_json = excluded.reasons_json,
      burn_rates_json = excluded.burn_rates_json, timestamp = excluded.timestamp, updated_at = excluded.updated_at,
      kept_windows = excluded.kept_windows`);
  const version = db.prepare<VersionRow>(
    `INSERT OR IGNORE INTO slo_versions (spec_hash, document_json, first_seen) VALUES (@specHash, @documentJson, ${now})`,
  );
  const upsert = definitionUpsert(db);
  const forget = db.prepare('DELETE FROM latest_state WHERE slo_id NOT IN (SELECT value FROM json_each(?))');
  const serve = servedWriter(db);
  const order = orderWriter(db);
  // Rows that waited while their SLO was removed are history, and not anybody's latest state.
  let served: ReadonlySet<string> | null = null;

  const write = db.transaction(({ versions, evaluations, decisions, orders }: Rows) => {
    for (const row of versions) version.run(row);
    for (const row of evaluations) {
      evaluation.run(row);
      if (served === null || served.has(row.sloId)) state.run(row);
    }
    for (const row of decisions) serve(row);
    for (const row of orders) order(row);
  });
  const define = db.transaction(({ rows, served: ids }: Definitions) => {
    for (const row of rows) upsert.run(row);
    if (ids !== null) forget.run(JSON.stringify(ids));
  });
  return {
    write: (rows) => write.immediate(rows),
    define(definitions) {
      define.immediate(definitions);
      if (definitions.served !== null) served = new Set(definitions.served);
    },
  };
}

function definitionUpsert(db: Database) {
  return db.prepare<DefinitionRow>(`
    INSERT INTO slo_definitions (id, service, environment, objective, compliance_window, evaluation_interval, spec_json)
    VALUES (@id, @service, @environment, @objective, @complianceWindow, @evaluationInterval, @specJson)
    ON CONFLICT (id) DO UPDATE SET service = excluded.service, environment = excluded.environment,
      objective = excluded.objective, compliance_window = excluded.compliance_window,
      evaluation_interval = excluded.evaluation_interval, spec_json = excluded.spec_json, updated_at = ${now}
    WHERE spec_json <> excluded.spec_json`);
}

function servedWriter(db: Database): (row: ServedRow) => void {
  const insert = db.prepare(`
    INSERT INTO served_decisions
      (id, timestamp, slo_id, decision, evaluation_id, was_forced, caller, address, request_id, count, last_timestamp,
      request_ids_json, offsets_ms_json)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO NOTHING`);
  return ({ id, record, lastAtMs, requestIds, offsetsMs }) => {
    const { atMs, sloId, decision, evaluationId, wasForced, caller, address, requestId } = record;
    const common = [
      id,
      instantText(atMs),
      sloId,
      decision,
      evaluationId,
      wasForced ? 1 : 0,
      caller,
      address,
      requestId,
    ];
    const count = requestIds.length;
    if (count === 1) insert.run(common, 1, null, null, null);
    else insert.run(common, count, instantText(lastAtMs), JSON.stringify(requestIds), JSON.stringify(offsetsMs));
  };
}

function orderWriter(db: Database): (row: OrderRow) => void {
  const insert = db.prepare(`
    INSERT INTO orders (id, timestamp, request, parameters_json, outcome, caller, address, request_id)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO NOTHING`);
  return ({ id, record }) => {
    const { atMs, order, parameters, outcome, caller, address, requestId } = record;
    insert.run(id, instantText(atMs), order, JSON.stringify(parameters), outcome, caller, address, requestId);
  };
}

import type { Database } from 'better-sqlite3';
import { instantText } from './instant-text.ts';
import type { Batch, DefinitionRow, EvaluationRow, OrderRow, ServedRow, VersionRow } from './messages.ts';

const now = `strftime('%Y-%m-%d %H:%M:%f', 'now')`;

const stateColumns = `slo_id, service, environment, decision, sli, error_rate, budget_remaining, is_stale,
  has_no_traffic, reasons_json, burn_rates_json, timestamp`;
const stateValues = `@sloId, @service, @environment, @decision, @sli, @errorRate, @budgetRemaining, @isStale,
  @hasNoTraffic, @reasonsJson, @burnRatesJson, @timestamp`;

/** Prepares the statements; the function that comes back writes a batch in one transaction. */
export function batchWriter(db: Database): (batch: Batch) => void {
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
  const define = definitionWriter(db);
  const serve = servedWriter(db);
  const order = orderWriter(db);
  // Rows that waited while their SLO was removed are history, and not anybody's latest state.
  let served: ReadonlySet<string> | null = null;

  const write = db.transaction((batch: Batch, ids: ReadonlySet<string> | null) => {
    if (batch.definitions !== null) define(batch.definitions);
    for (const row of batch.versions) version.run(row);
    for (const row of batch.evaluations) {
      evaluation.run(row);
      if (ids === null || ids.has(row.sloId)) state.run(row);
    }
    for (const row of batch.decisions) serve(row);
    for (const row of batch.orders) order(row);
  });
  return (batch) => {
    const ids = batch.definitions === null ? served : new Set(batch.definitions.map((row) => row.id));
    write.immediate(batch, ids);
    served = ids;
  };
}

function definitionWriter(db: Database): (definitions: readonly DefinitionRow[]) => void {
  const upsert = db.prepare<DefinitionRow>(`
    INSERT INTO slo_definitions (id, service, environment, objective, compliance_window, evaluation_interval, spec_json)
    VALUES (@id, @service, @environment, @objective, @complianceWindow, @evaluationInterval, @specJson)
    ON CONFLICT (id) DO UPDATE SET service = excluded.service, environment = excluded.environment,
      objective = excluded.objective, compliance_window = excluded.compliance_window,
      evaluation_interval = excluded.evaluation_interval, spec_json = excluded.spec_json, updated_at = ${now}
    WHERE spec_json <> excluded.spec_json`);
  const forget = db.prepare('DELETE FROM latest_state WHERE slo_id NOT IN (SELECT value FROM json_each(?))');
  return (definitions) => {
    for (const row of definitions) upsert.run(row);
    forget.run(JSON.stringify(definitions.map((row) => row.id)));
  };
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

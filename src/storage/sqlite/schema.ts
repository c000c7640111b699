/**
 * Version 1. The columns of the Go original come first and in its order, as the runbook's statements and `SELECT *`
 * expect them; ours follow. The ids of rows that another program inserts are made by the column's default: the time and
 * random bits, in the form of a UUIDv7.
 */
export const schemaVersion1 = `
CREATE TABLE IF NOT EXISTS slo_definitions (
  id TEXT PRIMARY KEY,
  service TEXT NOT NULL,
  environment TEXT NOT NULL,
  objective REAL NOT NULL,
  compliance_window TEXT NOT NULL,
  evaluation_interval TEXT NOT NULL,
  spec_json TEXT NOT NULL,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
  updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
);

CREATE TABLE evaluations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  slo_id TEXT NOT NULL,
  service TEXT NOT NULL,
  environment TEXT NOT NULL,
  decision TEXT NOT NULL,
  sli REAL,
  error_rate REAL,
  budget_remaining REAL,
  is_stale INTEGER NOT NULL DEFAULT 0,
  has_no_traffic INTEGER NOT NULL DEFAULT 0,
  reasons_json TEXT NOT NULL,
  burn_rates_json TEXT NOT NULL,
  timestamp TEXT NOT NULL,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
  evaluation_id TEXT NOT NULL DEFAULT (
    printf('%08x-%04x-7%s-%s-%s',
      CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) >> 16,
      CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) & 65535,
      substr(lower(hex(randomblob(2))), 2), '8' || substr(lower(hex(randomblob(2))), 2), lower(hex(randomblob(6))))),
  reason_codes_json TEXT NOT NULL DEFAULT '[]',
  evidence TEXT NOT NULL DEFAULT '{}',
  spec_hash TEXT
);

CREATE TABLE latest_state (
  slo_id TEXT PRIMARY KEY,
  service TEXT NOT NULL,
  environment TEXT NOT NULL,
  decision TEXT NOT NULL,
  sli REAL,
  error_rate REAL,
  budget_remaining REAL,
  is_stale INTEGER NOT NULL DEFAULT 0,
  has_no_traffic INTEGER NOT NULL DEFAULT 0,
  reasons_json TEXT NOT NULL,
  burn_rates_json TEXT NOT NULL,
  timestamp TEXT NOT NULL,
  updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
);

CREATE TABLE slo_versions (
  spec_hash TEXT PRIMARY KEY,
  document_json TEXT NOT NULL,
  first_seen TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
);

CREATE TABLE schema_migrations (
  version INTEGER PRIMARY KEY,
  applied_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
);
`;

/**
 * Every filter of the audit has an index that ends in the order of pages, read backwards for newest first. Ascending:
 * with descending ones SQLite sorted.
 */
export const indexesVersion1 = `
CREATE UNIQUE INDEX evaluations_by_evaluation_id ON evaluations(evaluation_id);
CREATE INDEX evaluations_by_time ON evaluations(timestamp, evaluation_id);
CREATE INDEX evaluations_by_slo ON evaluations(slo_id, timestamp, evaluation_id);
CREATE INDEX evaluations_by_service ON evaluations(service, environment, timestamp, evaluation_id);
CREATE INDEX evaluations_by_environment ON evaluations(environment, timestamp, evaluation_id);
CREATE INDEX evaluations_by_decision ON evaluations(decision, timestamp, evaluation_id);
CREATE INDEX evaluations_by_creation ON evaluations(created_at);
`;

/**
 * Version 2: the record of an answer is not the record of an evaluation. The ids are UUIDv7, so rows are put in at the
 * end of their table. A row names its evaluation, which may have been deleted, or was never stored.
 */
export const schemaVersion2 = `
CREATE TABLE served_decisions (
  id TEXT PRIMARY KEY,
  timestamp TEXT NOT NULL,
  slo_id TEXT NOT NULL,
  decision TEXT NOT NULL,
  evaluation_id TEXT NOT NULL,
  was_forced INTEGER NOT NULL,
  caller TEXT NOT NULL,
  address TEXT NOT NULL,
  request_id TEXT NOT NULL
) WITHOUT ROWID;

CREATE INDEX served_decisions_by_time ON served_decisions(timestamp, id);
CREATE INDEX served_decisions_by_slo ON served_decisions(slo_id, timestamp, id);
CREATE INDEX served_decisions_by_decision ON served_decisions(decision, timestamp, id);
CREATE INDEX served_decisions_by_caller ON served_decisions(caller, timestamp, id);
CREATE INDEX served_decisions_by_evaluation ON served_decisions(evaluation_id, timestamp, id);

CREATE TABLE orders (
  id TEXT PRIMARY KEY,
  timestamp TEXT NOT NULL,
  request TEXT NOT NULL,
  parameters_json TEXT NOT NULL,
  outcome TEXT NOT NULL,
  caller TEXT NOT NULL,
  address TEXT NOT NULL,
  request_id TEXT NOT NULL
) WITHOUT ROWID;

CREATE INDEX orders_by_time ON orders(timestamp, id);
CREATE INDEX orders_by_caller ON orders(caller, timestamp, id);
`;

/** Version 3: which version of this software brought the database to its version, for the older one that refuses it. */
export const schemaVersion3 = `
ALTER TABLE schema_migrations ADD COLUMN applied_by TEXT;
`;

/**
 * Version 4: the windows that an SLO's next evaluation may lean on (eval/kept-windows.ts), as JSON; NULL: none. A row of
 * `served_decisions` may stand for several answers that differ in nothing but request and instant: how many, when the
 * last one was given, and lists of all their requests and of the milliseconds after `timestamp`. NULL: there is one, that
 * of `timestamp` and `request_id`.
 */
export const schemaVersion4 = `
ALTER TABLE latest_state ADD COLUMN kept_windows TEXT;
ALTER TABLE served_decisions ADD COLUMN count INTEGER NOT NULL DEFAULT 1;
ALTER TABLE served_decisions ADD COLUMN last_timestamp TEXT;
ALTER TABLE served_decisions ADD COLUMN request_ids_json TEXT;
ALTER TABLE served_decisions ADD COLUMN offsets_ms_json TEXT;

-- Every combination of filters is stretches of one index, in the order of pages (ranges.ts).
DROP INDEX IF EXISTS evaluations_by_slo;
DROP INDEX IF EXISTS evaluations_by_service;
DROP INDEX IF EXISTS evaluations_by_environment;
CREATE INDEX evaluations_by_slo ON evaluations(slo_id, service, environment, decision, timestamp, evaluation_id);
CREATE INDEX evaluations_by_service ON evaluations(service, environment, decision, timestamp, evaluation_id);
CREATE INDEX evaluations_by_environment ON evaluations(environment, decision, timestamp, evaluation_id);
DROP INDEX IF EXISTS served_decisions_by_slo;
DROP INDEX IF EXISTS served_decisions_by_caller;
CREATE INDEX served_decisions_by_slo ON served_decisions(slo_id, decision, timestamp, id);
CREATE INDEX served_decisions_by_caller ON served_decisions(caller, decision, timestamp, id);
`;

import type { Database } from 'better-sqlite3';
import { AegisError } from '../../errors.ts';
import { version as softwareVersion } from '../../version.ts';
import { migratedBurnRates, migratedEvaluationId, migratedInstant, migratedReasonCodes } from './original.ts';
import { indexesVersion1, schemaVersion1, schemaVersion2, schemaVersion3, schemaVersion4 } from './schema.ts';

/** Numbered by their place, from 1; forward only. `PRAGMA user_version` says which was the last. */
const migrations: readonly ((db: Database) => void)[] = [toVersion1, toVersion2, toVersion3, toVersion4];

export const currentVersion = migrations.length;

/**
 * Brings the database to the current version in one transaction. Gives the version that it was of; null where there was
 * nothing to bring: it is of the current version, or new.
 */
export function migrate(db: Database): number | null {
  if (versionOf(db) === currentVersion) return null;
  const bring = db.transaction((): number | null => {
    const from = versionOf(db); // again, now that nobody else can change it: two servers may start at once
    const isNew = tableNames(db).length === 0;
    for (const [index, migration] of migrations.slice(from).entries()) {
      migration(db);
      db.prepare('INSERT INTO schema_migrations (version) VALUES (?)').run(from + index + 1);
    }
    // After the last: the column came with version 3.
    db.prepare('UPDATE schema_migrations SET applied_by = ? WHERE version > ?').run(softwareVersion, from);
    db.pragma(`user_version = ${currentVersion}`);
    return isNew || from === currentVersion ? null : from;
  });
  return bring.immediate();
}

/**
 * Whether the database is one that this program may open: an empty one, one of the Go original, or one of ours up to
 * this version. Throws `AegisError('database_unusable')` otherwise.
 */
export function checkOwnership(db: Database, path: string): void {
  const version = versionOf(db);
  if (version > currentVersion) throw newerVersion(path, version, writerOf(db, version));
  checkTables(db, path);
}

/** The same of a database of any version. */
export function checkTables(db: Database, path: string): void {
  const tables = tableNames(db);
  if (tables.length > 0 && !tables.includes('evaluations')) {
    const found = tables.slice(0, 3).join(', ');
    throw new AegisError(
      'database_unusable',
      `${path} is not a database of AegisSLO: it has no table evaluations (but ${found}); name another file with --db`,
    );
  }
}

/** `writer` is that of `writerOf`. */
export function newerVersion(path: string, version: number, writer: string | null): AegisError {
  const by = writer === null ? '' : `, written by AegisSLO ${writer}`;
  const start = writer === null ? 'the newer program' : 'that or a newer one';
  return new AegisError(
    'database_unusable',
    `${path} is of a newer version (${version}; this program knows up to ${currentVersion})${by}: start ${start}, or name another file with --db`,
  );
}

/**
 * Which version of this software brought the database to this version. Versions before 3 did not write it down, and what
 * a newer program made of the table is not known: then null.
 */
export function writerOf(db: Database, version: number): string | null {
  try {
    const writer = db.prepare('SELECT applied_by FROM schema_migrations WHERE version = ?').pluck().get(version);
    return typeof writer === 'string' && /^[\w.+-]{1,64}$/.test(writer) ? writer : null;
  } catch {
    return null;
  }
}

export function versionOf(db: Database): number {
  return Number(db.pragma('user_version', { simple: true }));
}

export function tableNames(db: Database): string[] {
  const names = db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`);
  return names.pluck().all().map(String);
}

function toVersion1(db: Database): void {
  const original = tableNames(db).includes('evaluations');
  if (!original) {
    db.exec(schemaVersion1 + indexesVersion1);
    return;
  }
  for (const table of originalTables) db.exec(`ALTER TABLE ${table} RENAME TO original_${table}`);
  db.exec(schemaVersion1);
  copyFromOriginal(db);
  for (const table of originalTables) db.exec(`DROP TABLE original_${table}`);
  db.exec(indexesVersion1);
}

function toVersion2(db: Database): void {
  db.exec(schemaVersion2);
}

function toVersion3(db: Database): void {
  db.exec(schemaVersion3);
}

function toVersion4(db: Database): void {
  db.exec(schemaVersion4);
}

// Those that refer to slo_definitions first, so that dropping it breaks no reference.
const originalTables = ['evaluations', 'latest_state', 'slo_definitions'];

function copyFromOriginal(db: Database): void {
  const deterministic = { deterministic: true };
  db.function('migrated_instant', deterministic, migratedInstant);
  db.function('migrated_evaluation_id', deterministic, migratedEvaluationId);
  db.function('migrated_burn_rates', deterministic, migratedBurnRates);
  db.function('migrated_reason_codes', deterministic, migratedReasonCodes);
  const shared =
    'slo_id, o.service, o.environment, decision, sli, error_rate, budget_remaining, is_stale, has_no_traffic, reasons_json';
  const spec = '(SELECT spec_json FROM original_slo_definitions d WHERE d.id = o.slo_id)';
  db.exec(`
    INSERT INTO slo_definitions
    SELECT id, service, environment, objective, compliance_window, evaluation_interval, spec_json,
      ${instantOrNow('created_at')}, ${instantOrNow('updated_at')}
    FROM original_slo_definitions;

    INSERT INTO evaluations (id, ${shared.replaceAll('o.', '')}, burn_rates_json, timestamp, created_at, evaluation_id, reason_codes_json)
    SELECT id, ${shared}, migrated_burn_rates(burn_rates_json, ${spec}), migrated_instant(timestamp),
      ${instantOrNow('created_at')}, migrated_evaluation_id(timestamp, id), migrated_reason_codes(reasons_json)
    FROM original_evaluations o ORDER BY id;

    INSERT INTO latest_state (${shared.replaceAll('o.', '')}, burn_rates_json, timestamp, updated_at)
    SELECT ${shared}, migrated_burn_rates(burn_rates_json, ${spec}), migrated_instant(timestamp),
      ${instantOrNow('updated_at')}
    FROM original_latest_state o;

    UPDATE sqlite_sequence SET seq = max(seq, (SELECT seq FROM sqlite_sequence WHERE name = 'original_evaluations'))
    WHERE name = 'evaluations' AND EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'original_evaluations');
  `);
}

/** The original let these be NULL. */
function instantOrNow(column: string): string {
  return `coalesce(migrated_instant(${column}), strftime('%Y-%m-%d %H:%M:%f', 'now'))`;
}

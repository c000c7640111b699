import Sqlite, { type Database } from 'better-sqlite3';
import { decisions } from '../../slo/decision.ts';
import type { StoredEvaluation } from '../ports.ts';
import { ordersTable, servedDecisionsTable } from './activity-pages.ts';
import { evaluationsTable } from './evaluations-page.ts';
import { type FileStamp, isUnchanged, stampOf } from './file-stamp.ts';
import { parseInstant } from './instant-text.ts';
import type { PageQuery, ReaderCalls } from './messages.ts';
import { currentVersion, versionOf } from './migrations.ts';
import { pageOf } from './page.ts';

// Under the two seconds within which an answer is promised.
const busyTimeoutMs = 1_000;

interface Open {
  readonly db: Database;
  readonly file: FileStamp | null;
}

/**
 * The calls of the reading thread. It opens the database when it is asked, and again after any error and when the file
 * has changed: what SQLite keeps of a file in memory is not true of one that was put over it.
 */
export function createReader(path: string): ReaderCalls {
  let open: Open | null = null;

  function connection(): Database {
    const file = stampOf(path);
    if (open?.file && file !== null && isUnchanged(open.file, file)) return open.db;
    close();
    const db = new Sqlite(path, { readonly: true, timeout: busyTimeoutMs });
    try {
      const version = versionOf(db);
      if (version !== currentVersion) throw new Error(`${path} is of version ${version}: the next start migrates it`);
    } catch (error) {
      db.close();
      throw error;
    }
    open = { db, file };
    return db;
  }

  function close(): void {
    open?.db.close();
    open = null;
  }

  function reading<T>(read: (db: Database) => T): T {
    try {
      return read(connection());
    } catch (error) {
      close();
      throw error;
    }
  }

  return {
    evaluations: (query: PageQuery) => reading((db) => pageOf(db, evaluationsTable, query)),
    decisions: (query: PageQuery) => reading((db) => pageOf(db, servedDecisionsTable, query)),
    orders: (query: PageQuery) => reading((db) => pageOf(db, ordersTable, query)),
    get: (evaluationId: string) => reading((db) => storedEvaluation(db, evaluationId)),
    close,
  };
}

interface StoredRow {
  readonly evaluationId: string;
  readonly sloId: string;
  readonly decision: string;
  readonly reasonsJson: string;
  readonly timestamp: string | number;
  readonly evidenceJson: string;
  readonly documentJson: string | null;
  readonly specHash: string | null;
}

function storedEvaluation(db: Database, evaluationId: string): StoredEvaluation | null {
  const found = db
    .prepare<[string], StoredRow>(
      `SELECT evaluation_id AS evaluationId, slo_id AS sloId, decision, reasons_json AS reasonsJson, timestamp,
        evidence AS evidenceJson, document_json AS documentJson, spec_hash AS specHash
      FROM evaluations LEFT JOIN slo_versions USING (spec_hash) WHERE evaluation_id = ?`,
    )
    .get(evaluationId);
  if (found === undefined) return null;
  const { decision, reasonsJson, timestamp, ...row } = found;
  return {
    ...row,
    // A word that is no decision (edited by hand) is no ALLOW.
    decision: decisions.find((known) => known === decision) ?? 'WARN',
    reasons: textsOf(reasonsJson),
    evaluatedAtMs: parseInstant(String(timestamp))?.epochMs ?? 0,
  };
}

function textsOf(json: string): readonly string[] {
  try {
    const value: unknown = JSON.parse(json);
    return Array.isArray(value) ? value.map(String) : [];
  } catch {
    return []; // edited by hand
  }
}

import type { Database } from 'better-sqlite3';
import { decisions } from '../../slo/decision.ts';
import type { StoredEvaluation } from '../ports.ts';
import { ordersTable, servedDecisionsTable } from './activity-pages.ts';
import { evaluationsTable } from './evaluations-page.ts';
import { parseInstant } from './instant-text.ts';
import { exportChunk } from './export/chunk.ts';
import type { ExportQuery, PageQuery, ReaderCalls } from './messages.ts';
import { pageOf } from './page.ts';
import type { ReadSource } from './read-source.ts';

/** The calls of the reading thread. */
export function createReader({ reading, close }: ReadSource): ReaderCalls {
  return {
    evaluations: (query: PageQuery) => reading((db) => pageOf(db, evaluationsTable, query)),
    decisions: (query: PageQuery) => reading((db) => pageOf(db, servedDecisionsTable, query)),
    orders: (query: PageQuery) => reading((db) => pageOf(db, ordersTable, query)),
    export: (query: ExportQuery) => reading((db) => exportChunk(db, query)),
    get: (evaluationId: string) => reading((db) => storedEvaluation(db, evaluationId)),
    keptWindows: () => reading(keptWindows),
    close,
  };
}

function keptWindows(db: Database): [string, string][] {
  return db
    .prepare<[], [string, string]>('SELECT slo_id, kept_windows FROM latest_state WHERE kept_windows IS NOT NULL')
    .raw()
    .all();
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

import Sqlite, { type Database } from 'better-sqlite3';
import { type FileStamp, isUnchanged, stampOf } from './file-stamp.ts';
import type { StoredEvaluation } from '../ports.ts';
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
    page: (query: PageQuery) => reading((db) => pageOf(db, query)),
    get: (evaluationId: string) => reading((db) => storedEvaluation(db, evaluationId)),
    close,
  };
}

function storedEvaluation(db: Database, evaluationId: string): StoredEvaluation | null {
  const found = db
    .prepare<[string], StoredEvaluation>(
      `SELECT evaluation_id AS evaluationId, slo_id AS sloId, evidence AS evidenceJson, document_json AS documentJson,
        spec_hash AS specHash
      FROM evaluations LEFT JOIN slo_versions USING (spec_hash) WHERE evaluation_id = ?`,
    )
    .get(evaluationId);
  return found ?? null;
}

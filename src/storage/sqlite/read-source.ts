import Sqlite, { type Database } from 'better-sqlite3';
import { type FileStamp, isUnchanged, stampOf } from './file-stamp.ts';
import { currentVersion, versionOf } from './migrations.ts';
import { defineRecordFunctions } from './record.ts';

/** How the reading thread comes to a connection. */
export interface ReadSource {
  /** Throws SQLite's errors, with nothing left open. */
  readonly reading: <T>(read: (db: Database) => T) => T;
  readonly close: () => void;
}

// Under the two seconds within which an answer is promised.
export const readBusyTimeoutMs = 1_000;

interface Open {
  readonly db: Database;
  readonly file: FileStamp | null;
}

/**
 * Reads beside the writing thread. It opens the database when it is asked, and again after any error and when the file
 * has changed: what SQLite keeps of a file in memory is not true of one that was put over it.
 */
export function ownDatabase(path: string): ReadSource {
  let open: Open | null = null;

  function connection(): Database {
    const file = stampOf(path);
    if (open?.file && file !== null && isUnchanged(open.file, file)) return open.db;
    close();
    const db = new Sqlite(path, { readonly: true, timeout: readBusyTimeoutMs });
    try {
      const version = versionOf(db);
      if (version !== currentVersion) throw new Error(`${path} is of version ${version}: the next start migrates it`);
      defineRecordFunctions(db);
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

  return {
    reading(read) {
      try {
        return read(connection());
      } catch (error) {
        close();
        throw error;
      }
    },
    close,
  };
}

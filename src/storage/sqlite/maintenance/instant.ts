import type { Database } from 'better-sqlite3';

/** Reads the database as it is at the first read. It is rolled back, as a damaged one may not let itself be committed. */
export function atOneInstant<T>(db: Database, read: () => T): T {
  db.exec('BEGIN');
  try {
    return read();
  } finally {
    endReading(db);
  }
}

/** SQLite ends a transaction itself after some errors. */
export function endReading(db: Database): void {
  if (db.inTransaction) db.exec('ROLLBACK');
}

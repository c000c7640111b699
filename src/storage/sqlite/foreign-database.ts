import Sqlite, { type Database } from 'better-sqlite3';
import { pathToFileURL } from 'node:url';
import { isUnchanged, stampOf } from './file-stamp.ts';
import { currentVersion, versionOf } from './migrations.ts';
import { readBusyTimeoutMs, type ReadSource } from './read-source.ts';
import { defineRecordFunctions } from './record.ts';
import { logSize, walIndexPath } from './set-aside.ts';

/** A file is read again where it was written to meanwhile, which a server does once a second at the most. */
const mostAttempts = 3;

/**
 * Reads the database of another server without a trace: nothing is written, made or removed, and nothing is locked while
 * nobody asks, so that the other can check it, close it and put another in its place. A connection that SQLite calls
 * read-only is not enough: it makes a log and an index of the log where there are none, and writes to the index.
 */
export function foreignDatabase(path: string): ReadSource {
  return {
    reading(read) {
      for (let attempt = 1; attempt <= mostAttempts; attempt++) {
        const before = stampOf(path);
        if (before === null) throw new Error('there is no such file');
        if (logSize(path) > 0) return readBesideLog(path, read);
        // Whatever was committed is in the file. No lock protects it from the next checkpoint, which changes its stamp.
        const result = attempted(() => readOnce(path, 'immutable=1', read));
        const after = stampOf(path);
        if (after !== null && isUnchanged(before, after)) return result();
      }
      throw new Error('it is being written to');
    },
    close() {
      // Nothing is open between two questions.
    },
  };
}

/** With the rows of its log, found by the index of the log that its own server keeps. */
function readBesideLog<T>(path: string, read: (db: Database) => T): T {
  if (stampOf(walIndexPath(path)) === null) {
    throw new Error('rows wait in its -wal, which the next start of its own server writes back');
  }
  return readOnce(path, 'readonly_shm=1', read);
}

function readOnce<T>(path: string, how: string, read: (db: Database) => T): T {
  const db = new Sqlite(`${pathToFileURL(path).href}?${how}`, { readonly: true, timeout: readBusyTimeoutMs });
  try {
    const version = versionOf(db);
    if (version !== currentVersion) {
      throw new Error(
        `it is of version ${version}, this server reads version ${currentVersion}: give both one release`,
      );
    }
    defineRecordFunctions(db);
    return read(db);
  } finally {
    db.close();
  }
}

/** What was read of a file that changed meanwhile means nothing, be it a value or an error. */
function attempted<T>(act: () => T): () => T {
  try {
    const value = act();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

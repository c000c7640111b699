import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import {
  openSqliteStorage,
  type SqliteStorage,
  type SqliteStorageOptions,
} from '../../../src/storage/sqlite/open-storage.ts';
import { createRecordingLog } from '../../support/recording-log.ts';
import { scratch } from '../../support/scratch.ts';

export interface TestStorage extends SqliteStorage {
  readonly path: string;
  readonly lines: ReturnType<typeof createRecordingLog>['lines'];
}

/** A storage that is closed with the test; in a file of its own unless a path is given. */
export async function openStorage(options: Partial<SqliteStorageOptions> = {}): Promise<TestStorage> {
  const path = options.path ?? join(scratch(), 'aegis.db');
  const log = createRecordingLog();
  const encodeEvidence = ({ id }: { id: string }) => JSON.stringify({ evidenceOf: id });
  const storage = await openSqliteStorage({ log, encodeEvidence, ...options, path });
  onTestFinished(() => storage.close(2_000));
  return { ...storage, path, lines: log.lines };
}

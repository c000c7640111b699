import { copyFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { stampOf } from '../../../../src/storage/sqlite/file-stamp.ts';
import { writeNote } from '../../../../src/storage/sqlite/checkpoint-note.ts';
import { currentVersion } from '../../../../src/storage/sqlite/migrations.ts';
import { verify } from '../../../../src/storage/sqlite/maintenance/verify.ts';
import { version } from '../../../../src/version.ts';
import { scratch } from '../../../support/scratch.ts';
import { openStorage } from '../open-storage.ts';
import { makeEvaluation } from '../../make-evaluation.ts';
import { closedDatabase, everythingBeside, killedDatabase } from './databases.ts';

const rowsIn = (tables: readonly { name: string; rows: number }[], name: string) =>
  tables.find((table) => table.name === name)?.rows;

describe('verify', () => {
  it('tells what is in a database, writes nothing to it and leaves nothing beside it', async () => {
    const path = await closedDatabase(20);
    const before = everythingBeside(path);
    const { tables, ...verified } = await verify(path);
    expect(verified).toMatchObject({ version: currentVersion, writtenBy: version, isNewer: false, damage: [] });
    expect(verified).toMatchObject({ logBytes: 0, openedBy: [] });
    expect([rowsIn(tables, 'evaluations'), rowsIn(tables, 'served_decisions'), rowsIn(tables, 'orders')]).toEqual([
      20, 20, 1,
    ]);
    for (const { oldest, newest, rows } of tables)
      if (rows > 0) expect(Date.parse(oldest ?? '')).toBeLessThanOrEqual(Date.parse(newest ?? ''));
    expect(everythingBeside(path)).toEqual(before);
  });

  it('reads what a killed server left in its log, and leaves both as they are', async () => {
    const path = await killedDatabase(20);
    const [main, log] = [readFileSync(path), readFileSync(`${path}-wal`)];
    const verified = await verify(path);
    expect(verified.damage).toEqual([]);
    expect(verified.logBytes).toBe(log.length);
    expect(readFileSync(path).equals(main)).toBe(true);
    expect(readFileSync(`${path}-wal`).equals(log)).toBe(true);
  });

  it('reads beside a storage that writes', async () => {
    const storage = await openStorage();
    await storage.log.append(makeEvaluation());
    expect(rowsIn((await verify(storage.path)).tables, 'evaluations')).toBe(1);
    expect(await storage.log.append(makeEvaluation())).toBe('stored');
  });

  it('refuses a log that was written for another file, and does not apply it', async () => {
    const path = await killedDatabase(20);
    const file = stampOf(path)!;
    writeNote(path, {
      state: 'checkpointed',
      file: { ...file, inode: '1' },
      wal: { salts: '', backfilled: 0, attempted: 0, frames: 0 },
    });
    const before = everythingBeside(path);
    await expect(verify(path)).rejects.toMatchObject({
      code: 'audit_unavailable',
      message: expect.stringContaining(`${path}-wal was written for another file`) as string,
    });
    expect(everythingBeside(path)).toEqual(before);
  });

  it('refuses a file with a journal, which only a writer may play back', async () => {
    const path = await closedDatabase(3);
    writeFileSync(`${path}-journal`, 'the beginning of a change');
    await expect(verify(path)).rejects.toMatchObject({ code: 'audit_unavailable' });
  });

  it('finds damage', async () => {
    const path = await closedDatabase(400);
    const bytes = readFileSync(path);
    bytes.fill('garbage ', 4096 * 20, 4096 * 24);
    writeFileSync(path, bytes);
    const { damage, tables } = await verify(path);
    expect(damage.length).toBeGreaterThan(0);
    expect(tables).toEqual([]);
  });

  it('names the program that wrote a newer one', async () => {
    const path = await closedDatabase(1);
    const db = new Sqlite(path);
    db.exec(`INSERT INTO schema_migrations (version, applied_by) VALUES (${currentVersion + 1}, '0.9.0')`);
    db.pragma(`user_version = ${currentVersion + 1}`);
    db.close();
    expect(await verify(path)).toMatchObject({ isNewer: true, writtenBy: '0.9.0', damage: [] });
  });

  it.each(['original-utc.db', 'original-local.db'])('takes the Go original’s %s', async (name) => {
    const path = join(scratch(), 'aegis.db');
    copyFileSync(`test/data/contract/databases/${name}`, path);
    const { tables, version: found } = await verify(path);
    expect([found, rowsIn(tables, 'evaluations')]).toEqual([0, 60]);
  });

  const unusable: Record<string, (path: string) => void> = {
    'a text': (path) => writeFileSync(path, 'slo_id,decision\n'.repeat(100)),
    'an empty file': (path) => writeFileSync(path, ''),
    'a database of another program': (path) => void new Sqlite(path).exec('CREATE TABLE customers (name)').close(),
  };
  it.each(Object.entries(unusable))('refuses %s', async (_, make) => {
    const path = join(scratch(), 'aegis.db');
    make(path);
    const before = everythingBeside(path);
    await expect(verify(path)).rejects.toMatchObject({ code: 'database_unusable' });
    expect(everythingBeside(path)).toEqual(before);
  });

  it('refuses a database that was cut off, and a file that is not there', async () => {
    const path = await closedDatabase(200);
    truncateSync(path, 4096 * 10);
    await expect(verify(path)).rejects.toMatchObject({ code: 'database_unusable' });
    await expect(verify(join(dirname(path), 'none.db'))).rejects.toMatchObject({ code: 'audit_unavailable' });
  });
});

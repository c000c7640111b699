import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { stampOf } from '../../../../src/storage/sqlite/file-stamp.ts';
import { writeNote } from '../../../../src/storage/sqlite/checkpoint-note.ts';
import { currentVersion } from '../../../../src/storage/sqlite/migrations.ts';
import { restore } from '../../../../src/storage/sqlite/maintenance/restore.ts';
import { scratch } from '../../../support/scratch.ts';
import { lacks } from '../../../support/services.ts';
import { openShell } from '../../../support/sqlite3-session.ts';
import { openStorage } from '../open-storage.ts';
import { closedDatabase, everythingBeside, killedDatabase, rowsOf } from './databases.ts';

const nowMs = Date.parse('2026-11-21T22:00:00.500Z');
const keptName = 'aegis.db.before-restore-20261121T220000Z';

async function restored(from: string, to: string) {
  const reports: string[] = [];
  const result = await restore({ from, to, nowMs, report: (message) => reports.push(message) });
  return { ...result, reports };
}

describe('a restore', () => {
  it('gives the rows of the backup, and keeps the database before with every row of its log', async () => {
    const [from, to] = [await closedDatabase(30), await killedDatabase(50)];
    const backup = everythingBeside(from);
    const { kept, reports } = await restored(from, to);
    expect(reports).toEqual([]);
    expect(kept).toEqual({ file: join(dirname(to), keptName), log: null, isSound: true });
    expect(readdirSync(dirname(to)).sort()).toEqual(['aegis.db', keptName]);
    expect(rowsOf(to)).toEqual(rowsOf(from));
    expect(rowsOf(kept?.file ?? '').evaluations).toMatchObject(
      Array.from({ length: 50 }, () => ({ service: 'in the log' })),
    );
    expect(everythingBeside(from)).toEqual(backup);
  });

  it('of a backup that is a copy of a database with its log has the rows of both', async () => {
    const [from, to] = [await killedDatabase(30), await closedDatabase(5)];
    await restored(from, to);
    expect(rowsOf(to).evaluations).toMatchObject(Array.from({ length: 30 }, () => ({ service: 'in the log' })));
  });

  it('needs no database before, and an empty file is none', async () => {
    const from = await closedDatabase(3);
    for (const make of [() => undefined, (to: string) => writeFileSync(to, '')]) {
      const to = join(scratch(), 'aegis.db');
      make(to);
      expect((await restored(from, to)).kept).toBeNull();
      expect(readdirSync(dirname(to))).toEqual(['aegis.db']);
      expect(rowsOf(to)).toEqual(rowsOf(from));
    }
  });

  it.each(['contract/databases/original-utc.db', 'databases/version-2.db'])(
    'of %s is migrated by the next start',
    async (name) => {
      const [from, to] = [join(scratch(), 'backup.db'), await closedDatabase(3)];
      copyFileSync(`test/data/${name}`, from);
      expect((await restored(from, to)).isMigratedLater).toBe(true);
      const storage = await openStorage({ path: to });
      expect(storage.lines.map(({ message }) => message).join()).toMatch(
        /migrated from version \d to \d: every row is kept/,
      );
    },
  );

  it('gives the new file the mode and the owner of the one before', async ({ skip }) => {
    const [from, to] = [await closedDatabase(3), await closedDatabase(3)];
    chmodSync(to, 0o640);
    if (process.getuid?.() === 0) chownSync(to, 12_345, 12_346);
    const { uid, gid } = statSync(to);
    await restored(from, to);
    expect(statSync(to)).toMatchObject({ uid, gid });
    expect(statSync(to).mode & 0o777).toBe(0o640);
    if (process.getuid?.() !== 0) skip('the owner can be another for root alone');
  });
});

describe('over a database that is not sound', () => {
  it('keeps it as it is, with its log', async () => {
    const [from, to] = [await closedDatabase(30), await killedDatabase(400)];
    const bytes = readFileSync(to);
    bytes.fill('garbage ', 4096 * 3, 4096 * 40);
    writeFileSync(to, bytes);
    const log = readFileSync(`${to}-wal`);
    const { kept, reports } = await restored(from, to);
    expect(reports.join()).toMatch(/is corrupt .*; it is kept as it is/);
    expect(kept).toEqual({
      file: join(dirname(to), keptName),
      log: join(dirname(to), `${keptName}-wal`),
      isSound: false,
    });
    expect(readFileSync(kept?.file ?? '').equals(bytes)).toBe(true);
    expect(readFileSync(kept?.log ?? '').equals(log)).toBe(true);
    expect(readdirSync(dirname(to)).filter((file) => file.startsWith('aegis.db-'))).toEqual([]);
    expect(rowsOf(to)).toEqual(rowsOf(from));
  });

  it('sets a log aside that was written for another file', async () => {
    const [from, to] = [await closedDatabase(30), await killedDatabase(20)];
    const file = stampOf(to)!;
    writeNote(to, {
      state: 'checkpointed',
      file: { ...file, inode: '1' },
      wal: { salts: '', backfilled: 0, attempted: 0, frames: 0 },
    });
    const { kept, reports } = await restored(from, to);
    expect(reports.join()).toMatch(/its write-ahead log is set aside as/);
    expect(rowsOf(kept?.file ?? '').evaluations).not.toContainEqual(expect.objectContaining({ service: 'in the log' }));
    expect(rowsOf(to)).toEqual(rowsOf(from));
  });
});

describe('a restore that is refused leaves all as it was', () => {
  async function refused(from: string, to: string): Promise<string> {
    const before = [everythingBeside(from), everythingBeside(to)];
    const error: unknown = await restored(from, to).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect([everythingBeside(from), everythingBeside(to)]).toEqual(before);
    return String(error);
  }

  it('where the backup is damaged, newer, empty, of another program, or not there', async () => {
    const to = await closedDatabase(3);
    const damaged = await closedDatabase(400);
    const bytes = readFileSync(damaged);
    bytes.fill('garbage ', 4096 * 20, 4096 * 24);
    writeFileSync(damaged, bytes);
    expect(await refused(damaged, to)).toMatch(/is damaged .*: restore another backup/);
    const newer = await closedDatabase(1);
    const db = new Sqlite(newer);
    db.exec(`INSERT INTO schema_migrations (version, applied_by) VALUES (${currentVersion + 1}, '0.9.0')`);
    db.pragma(`user_version = ${currentVersion + 1}`);
    db.close();
    expect(await refused(newer, to)).toMatch(/newer version .* written by AegisSLO 0\.9\.0/);
    const empty = join(scratch(), 'empty.db');
    writeFileSync(empty, '');
    expect(await refused(empty, to)).toMatch(/is empty/);
    const foreign = join(scratch(), 'foreign.db');
    new Sqlite(foreign).exec('CREATE TABLE customers (name)').close();
    expect(await refused(foreign, to)).toMatch(/not a database of AegisSLO/);
    expect(await refused(to, to)).toMatch(/the backup is the database itself/);
    await expect(restored(join(scratch(), 'none.db'), to)).rejects.toThrow(/there is no such file/);
  });

  it.skipIf(lacks('sqlite3'))('where a process has the database open: it is named', async () => {
    const [from, to] = [await closedDatabase(3), await closedDatabase(5)];
    const rows = rowsOf(to);
    const operator = openShell(to);
    await operator.run('SELECT count(*) FROM evaluations;');
    await expect(restored(from, to)).rejects.toThrow(/is open in process \d+ \(sqlite3\): stop it first/);
    expect(existsSync(`${to}-wal`)).toBe(true);
    await operator.kill();
    expect(rowsOf(to)).toEqual(rows);
  });
});

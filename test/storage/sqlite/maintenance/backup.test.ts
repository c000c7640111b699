import { chmodSync, copyFileSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { backUp, type BackupOptions } from '../../../../src/storage/sqlite/maintenance/backup.ts';
import { verify } from '../../../../src/storage/sqlite/maintenance/verify.ts';
import { scratch } from '../../../support/scratch.ts';
import { openShell } from '../../../support/sqlite3-session.ts';
import { lacks } from '../../../support/services.ts';
import { closedDatabase, everythingBeside, killedDatabase, rowsOf } from './databases.ts';

const backup = (from: string, to: string, options: Partial<BackupOptions> = {}) =>
  backUp({ from, to, force: false, ...options });

describe('a backup', () => {
  it('has every row, is one file that can be read where nothing can be written, and leaves the database as it was', async () => {
    const path = await closedDatabase(50);
    const before = everythingBeside(path);
    const to = join(scratch(), 'backup.db');
    const seen: number[] = [];
    const { tables } = await backup(path, to, { onProgress: (done) => seen.push(done) });
    expect(tables.find(({ name }) => name === 'evaluations')?.rows).toBe(50);
    expect(seen.length).toBeGreaterThan(0);
    expect(everythingBeside(path)).toEqual(before);
    expect([...readFileSync(to).subarray(18, 20)]).toEqual([1, 1]); // in no WAL mode
    expect(readdirSync(dirname(to))).toEqual(['backup.db']);
    expect(rowsOf(to)).toEqual(rowsOf(path));
  });

  it('has the rows that a killed server left in its log', async () => {
    const path = await killedDatabase(50);
    const [main, log] = [readFileSync(path), readFileSync(`${path}-wal`)];
    const to = join(scratch(), 'backup.db');
    await backup(path, to);
    expect(rowsOf(to).evaluations).toMatchObject(Array.from({ length: 50 }, () => ({ service: 'in the log' })));
    expect(readFileSync(path).equals(main)).toBe(true);
    expect(readFileSync(`${path}-wal`).equals(log)).toBe(true);
  });

  it.each(['contract/databases/original-utc.db', 'databases/version-1.db'])(
    'of %s stays of its version',
    async (name) => {
      const path = join(scratch(), 'aegis.db');
      copyFileSync(`test/data/${name}`, path);
      const to = join(scratch(), 'backup.db');
      await backup(path, to);
      expect((await verify(to)).version).toBe((await verify(path)).version);
      expect(rowsOf(to)).toEqual(rowsOf(path));
    },
  );

  it('may be read by whom the database may be read', async () => {
    const path = await closedDatabase(1);
    const to = join(scratch(), 'backup.db');
    for (const mode of [0o600, 0o640]) {
      chmodSync(path, mode);
      await backup(path, to, { force: true });
      expect(statSync(to).mode & 0o777).toBe(mode);
    }
  });

  it('that is interrupted leaves nothing', async () => {
    const path = await closedDatabase(50);
    const to = join(scratch(), 'backup.db');
    const interrupted = new AbortController();
    const onProgress = () => interrupted.abort();
    await expect(backup(path, to, { onProgress, signal: interrupted.signal })).rejects.toThrow('interrupted');
    expect(readdirSync(dirname(to))).toEqual([]);
  });

  it('of a damaged database is none: the file that was there stays', async () => {
    const path = await closedDatabase(400);
    const to = join(scratch(), 'backup.db');
    await backup(path, to);
    const good = readFileSync(to);
    const bytes = readFileSync(path);
    bytes.fill('garbage ', 4096 * 20, 4096 * 24);
    writeFileSync(path, bytes);
    await expect(backup(path, to, { force: true })).rejects.toThrow(/not sound/);
    expect(readFileSync(to).equals(good)).toBe(true);
    expect(readdirSync(dirname(to))).toEqual(['backup.db']);
  });

  it('takes the place of a file only where that is asked for', async () => {
    const path = await closedDatabase(3);
    const to = join(scratch(), 'backup.db');
    writeFileSync(to, 'of last week');
    await expect(backup(path, to)).rejects.toMatchObject({
      code: 'invalid_setting',
      message: expect.stringMatching(/--force/) as string,
    });
    expect(readFileSync(to, 'utf8')).toBe('of last week');
    await backup(path, to, { force: true });
    expect((await verify(to)).damage).toEqual([]);
  });
});

describe('the name of a backup may not be', () => {
  const names: Record<string, (path: string) => string> = {
    'the database': (path) => path,
    'its log': (path) => `${path}-wal`,
    'its note': (path) => `${path}-note`,
    'a link to it'(path) {
      const link = join(scratch(), 'link.db');
      symlinkSync(path, link);
      return link;
    },
    'a directory': () => scratch(),
    'a device': () => '/dev/null',
    'in a directory that is not there': () => join(scratch(), 'none', 'backup.db'),
    'beside a log of another database'() {
      const to = join(scratch(), 'backup.db');
      writeFileSync(`${to}-wal`, 'frames');
      return to;
    },
  };
  it.each(Object.entries(names))('%s', async (_, nameOf) => {
    const path = await closedDatabase(3);
    const before = everythingBeside(path);
    const to = nameOf(path);
    await expect(backup(path, to, { force: true })).rejects.toMatchObject({ code: 'invalid_setting' });
    expect(everythingBeside(path)).toEqual(before);
  });

  it.skipIf(lacks('sqlite3'))('that of a database in use', async () => {
    const path = await closedDatabase(3);
    const to = await closedDatabase(3);
    const operator = openShell(to);
    await operator.run('SELECT count(*) FROM evaluations;');
    await expect(backup(path, to, { force: true })).rejects.toMatchObject({ code: 'invalid_setting' });
    await operator.kill();
  });
});

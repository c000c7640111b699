import { copyFileSync, existsSync, readFileSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeEvaluation, makeEvaluations } from '../storage/make-evaluation.ts';
import { eventually } from '../support/eventually.ts';
import { scratch } from '../support/scratch.ts';
import { lacks } from '../support/services.ts';
import { idsInFile, shell } from '../support/sqlite3.ts';
import { openShell } from '../support/sqlite3-session.ts';
import { startStorageProcess, type StorageProcess } from '../support/storage-process.ts';

/** Appends, and gives the ids of what the storage says is stored. */
async function store(server: StorageProcess, count: number): Promise<string[]> {
  const evaluations = makeEvaluations(count);
  const appended = await server.append(evaluations);
  return evaluations.filter((_, index) => appended[index] === 'stored').map(({ id }) => id);
}

async function idsServed(server: StorageProcess): Promise<string[]> {
  return (await server.page()).records.map((record) => record.evaluationID).sort();
}

function aPath(): string {
  return join(scratch(), 'aegis.db');
}

const describeWithShell = describe.skipIf(lacks('sqlite3'));

describeWithShell('a change made through SQLite is not foreign', () => {
  it('though the shell deletes and vacuums a running server’s file', async () => {
    const path = aPath();
    const first = await startStorageProcess(path);
    await store(first, 4_000);
    await first.stop();
    const server = await startStorageProcess(path);
    const stored = await store(server, 200);
    const before = statSync(path);
    shell(path, 'DELETE FROM evaluations WHERE id <= 3900; VACUUM; PRAGMA wal_checkpoint(TRUNCATE);');
    expect(statSync(path).size).toBeLessThan(before.size / 4);
    stored.push(...(await store(server, 200)));
    expect(stored).toHaveLength(400);
    await server.stop();
    expect(idsInFile(path)).toEqual(expect.arrayContaining(stored));
    expect(idsInFile(path)).toHaveLength(500);
  });

  it('though both are killed before the server could look at it', async () => {
    const path = aPath();
    const server = await startStorageProcess(path);
    const stored = await store(server, 100);
    server.pause();
    const operator = openShell(path);
    // The checkpoint moves the file; the row after it stands in the log alone.
    await operator.run(`
      PRAGMA wal_autocheckpoint = 0; PRAGMA wal_checkpoint(PASSIVE);
      UPDATE evaluations SET service = 'by hand' WHERE id = 1;`);
    await operator.kill();
    await server.kill();
    const again = await startStorageProcess(path);
    const { records } = await again.page();
    expect(records.map((record) => record.evaluationID).sort()).toEqual(stored.sort());
    expect(records.filter((record) => record.service === 'by hand')).toHaveLength(1);
  });

  it('and a restore after it is still seen', async () => {
    const path = aPath();
    const server = await startStorageProcess(path);
    const inBackup = await store(server, 50);
    shell(path, `.backup '${path}.backup'`);
    await store(server, 50);
    shell(path, 'PRAGMA wal_checkpoint(TRUNCATE);');
    const stamp = `"mtimeNs":"${statSync(path, { bigint: true }).mtimeNs}"`;
    await eventually(() => expect(readFileSync(`${path}-note`, 'utf8')).toContain(stamp));
    await store(server, 50);
    copyFileSync(`${path}.backup`, path);
    await server.stop();
    expect(idsInFile(path)).toEqual(inBackup);
  });
});

describe('two servers on one file', () => {
  it('lose nothing when both write and stop', async () => {
    const path = aPath();
    const servers = await Promise.all([startStorageProcess(path), startStorageProcess(path)]);
    const rounds = Array.from({ length: 10 }, () => servers.map((server) => server.append(makeEvaluations(40))));
    await Promise.all(rounds.flat());
    await Promise.all(servers.map((server) => server.flush(20_000)));
    await servers[0].stop();
    expect(existsSync(`${path}-wal`)).toBe(true);
    expect(await store(servers[1], 10)).toHaveLength(10);
    await servers[1].stop();
    expect(existsSync(`${path}-wal`)).toBe(false);
    const again = await startStorageProcess(path);
    const { records } = await again.page();
    expect(records).toHaveLength(810);
  });

  it('lose nothing when one is killed and comes back while the other goes on', async () => {
    const path = aPath();
    const [one, other] = await Promise.all([startStorageProcess(path), startStorageProcess(path)]);
    const stored = [...(await store(one, 50)), ...(await store(other, 50))];
    await one.kill();
    stored.push(...(await store(other, 50)));
    const again = await startStorageProcess(path);
    stored.push(...(await store(again, 50)), ...(await store(other, 50)));
    await other.kill();
    await again.kill();
    const last = await startStorageProcess(path);
    expect(await idsServed(last)).toEqual(stored.sort());
  });
});

describeWithShell('a write-ahead log that another process has open', () => {
  it('is not moved, though the file is foreign: it is served without until the process has ended', async () => {
    const path = aPath();
    const server = await startStorageProcess(path);
    const inBackup = await store(server, 50);
    shell(path, `.backup '${path}.backup'`);
    await store(server, 50);
    const operator = openShell(path);
    await operator.run('SELECT count(*) FROM evaluations;');
    await server.kill();
    const log = readFileSync(`${path}-wal`);
    copyFileSync(`${path}.backup`, path);
    const again = await startStorageProcess(path);
    await again.logged(/another process still has the write-ahead log of the file before open/);
    const waited = makeEvaluation();
    expect(await again.append([waited])).toEqual(['queued']);
    expect(readFileSync(`${path}-wal`).equals(log)).toBe(true);
    await operator.kill();
    await eventually(async () => expect(await idsServed(again)).toEqual([...inBackup, waited.id].sort()));
    await again.stop();
    expect(idsInFile(path)).toEqual([...inBackup, waited.id].sort());
  });
});

describe('a write-ahead log found at the start', () => {
  /** A killed server's files, all rows in the log, the file's time moved so that the note alone would call it foreign. */
  async function killed(): Promise<{ path: string; stored: string[] }> {
    const path = aPath();
    const server = await startStorageProcess(path);
    const stored = await store(server, 80);
    await server.kill();
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(0);
    utimesSync(path, new Date(), new Date());
    return { path, stored };
  }

  it('is applied where the note says that a checkpoint was under way', async () => {
    const { path, stored } = await killed();
    const note = readFileSync(`${path}-note`, 'utf8');
    writeFileSync(`${path}-note`, note.replace('"checkpointed"', '"checkpointing"'));
    expect(await idsServed(await startStorageProcess(path))).toEqual(stored);
  });

  it.each(['', '{"state":"checkpointed"}', 'no note at all'])('is applied with the note %j', async (note) => {
    const { path, stored } = await killed();
    writeFileSync(`${path}-note`, note);
    expect(await idsServed(await startStorageProcess(path))).toEqual(stored);
  });

  it('is applied without a note', async () => {
    const { path, stored } = await killed();
    unlinkSync(`${path}-note`);
    expect(await idsServed(await startStorageProcess(path))).toEqual(stored);
  });

  it('is set aside where the note says that the file is another', async () => {
    const { path } = await killed();
    const server = await startStorageProcess(path);
    expect(await idsServed(server)).toEqual([]);
    await server.logged(/was replaced while no server ran/);
  });

  it.skipIf(lacks('sqlite3'))('is set aside where the database is not sound with it', async () => {
    const path = aPath();
    const server = await startStorageProcess(path);
    const stored = await store(server, 3);
    await server.stop();
    const other = aPath();
    const large = await startStorageProcess(other);
    await store(large, 2_000);
    await large.stop();
    const operator = openShell(other);
    await operator.run(`PRAGMA wal_autocheckpoint = 0; UPDATE evaluations SET service = 'other';`);
    await operator.kill();
    // A log of changes to a larger database: its pages do not belong between ours.
    copyFileSync(`${other}-wal`, `${path}-wal`);
    const again = await startStorageProcess(path);
    await again.logged(/Without its write-ahead log it is sound: that is set aside/);
    expect(await idsServed(again)).toEqual(stored);
  });

  it.skipIf(lacks('sqlite3'))('is applied where it is that of a Go original', async () => {
    const path = aPath();
    copyFileSync('test/data/contract/databases/original-utc.db', path);
    const original = openShell(path);
    await original.run("PRAGMA journal_mode = WAL; UPDATE evaluations SET service = 'in the log' WHERE id = 1;");
    await original.kill();
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(0);
    const { records } = await (await startStorageProcess(path)).page();
    expect(records).toHaveLength(60);
    expect(records.filter((record) => record.service === 'in the log')).toHaveLength(1);
  });
});

import { copyFileSync, existsSync, readdirSync, renameSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeServed } from '../storage/make-activity.ts';
import { makeEvaluation, makeEvaluations } from '../storage/make-evaluation.ts';
import { eventually } from '../support/eventually.ts';
import { scratch } from '../support/scratch.ts';
import { lacks } from '../support/services.ts';
import { idsInFile, shell } from '../support/sqlite3.ts';
import { openShell } from '../support/sqlite3-session.ts';
import { startStorageProcess, type StorageProcess } from '../support/storage-process.ts';

/** The two ways to put a file over another: `cp` keeps the inode of the old one, `mv` brings its own. */
const ways = {
  'in place': (backup: string, path: string) => copyFileSync(backup, path),
  'by rename': (backup: string, path: string) => {
    copyFileSync(backup, `${path}.restored`);
    renameSync(`${path}.restored`, path);
  },
};

interface Restorable {
  readonly path: string;
  readonly backup: string;
  readonly server: StorageProcess;
  /** The evaluation ids in the backup, sorted. */
  readonly inBackup: readonly string[];
}

/** A running storage with a backup behind it, rows in its file and rows in its write-ahead log that are not in the backup. */
async function restorable(): Promise<Restorable> {
  const path = join(scratch(), 'aegis.db');
  const backup = `${path}.backup`;
  const first = await startStorageProcess(path);
  await appendSome(first, 300);
  await first.stop();
  const server = await startStorageProcess(path);
  await appendSome(server, 20);
  shell(path, `.backup '${backup}'`);
  const inBackup = idsInFile(backup);
  expect(inBackup).toHaveLength(320);
  await appendSome(server, 300);
  return { path, backup, server, inBackup };
}

async function appendSome(server: StorageProcess, count: number): Promise<void> {
  const appended = await server.append(makeEvaluations(count));
  expect(new Set(appended)).toEqual(new Set(['stored']));
}

/** Serves one after the other, and waits until all are in the file. */
async function serveSome(server: StorageProcess, requestIds: readonly string[]): Promise<void> {
  await server.serve(requestIds.map((requestId) => makeServed({ requestId })));
  await eventually(async () => expect(await server.served()).toEqual(expect.arrayContaining([...requestIds])));
}

async function idsServed(server: StorageProcess): Promise<string[]> {
  return (await server.page()).records.map((record) => record.evaluationID).sort();
}

function filesOf(path: string): string[] {
  return readdirSync(dirname(path)).filter((file) => file.startsWith(basename(path)) && !file.includes('.backup'));
}

describe.skipIf(lacks('sqlite3')).each(Object.entries(ways))('a backup put over the database %s', (_, restore) => {
  it('while the server is stopped gives exactly the rows of the backup', async () => {
    const { path, backup, server, inBackup } = await restorable();
    await server.stop();
    expect(filesOf(path)).toEqual(['aegis.db']);
    restore(backup, path);
    expect(idsInFile(path)).toEqual(inBackup);
    const again = await startStorageProcess(path);
    expect(await idsServed(again)).toEqual(inBackup);
    await appendSome(again, 5);
    await again.stop();
    expect(idsInFile(path)).toHaveLength(325);
  });

  it('while the server runs gives exactly the rows of the backup after its stop', async () => {
    const { path, backup, server, inBackup } = await restorable();
    restore(backup, path);
    await server.append([makeEvaluation()]);
    await server.stop();
    expect(existsSync(`${path}-wal`)).toBe(false);
    expect(idsInFile(path)).toEqual(inBackup);
    const again = await startStorageProcess(path);
    expect(await idsServed(again)).toEqual(inBackup);
    await appendSome(again, 5);
    await again.stop();
    expect(idsInFile(path)).toHaveLength(325);
  });

  it('while the server runs gives the served decisions of the backup, and no others', async () => {
    const path = join(scratch(), 'aegis.db');
    const backup = `${path}.backup`;
    const server = await startStorageProcess(path);
    await serveSome(server, ['before-1', 'before-2']);
    shell(path, `.backup '${backup}'`);
    await serveSome(server, ['between']);
    restore(backup, path);
    await server.logged(/was replaced by another file while the server ran/);
    await server.serve([makeServed({ requestId: 'after' })]);
    expect(await server.served()).toEqual(['before-2', 'before-1']);
    await server.stop();
    await server.logged(/failed to store served decision: 1 were not stored before the stop: .* was replaced/);
    const again = await startStorageProcess(path);
    expect(await again.served()).toEqual(['before-2', 'before-1']);
  });

  it('while the server runs is noticed without a row to write, and served', async () => {
    const { path, backup, server, inBackup } = await restorable();
    restore(backup, path);
    await server.logged(/was replaced by another file while the server ran/);
    expect(await server.state()).toBe('replaced');
    expect(idsInFile(path)).toEqual(inBackup);
    expect(await idsServed(server)).toEqual(inBackup);
    expect(await server.append([makeEvaluation()])).toEqual(['queued']);
    await server.stop();
    await server.logged(/failed to store evaluation: 1 were not stored before the stop: .* was replaced/);
    expect(idsInFile(path)).toEqual(inBackup);
  });

  it('once more while the server runs is served, and stands after the stop', async () => {
    const { path, backup, server, inBackup } = await restorable();
    const earlier = `${backup}.earlier`;
    copyFileSync(backup, earlier);
    shell(earlier, 'DELETE FROM evaluations WHERE id > 100; PRAGMA wal_checkpoint(TRUNCATE);');
    restore(backup, path);
    await server.logged(/was replaced by another file while the server ran/);
    expect((await server.page()).records).toHaveLength(inBackup.length);
    restore(earlier, path);
    expect((await server.page()).records).toHaveLength(100);
    await server.stop();
    expect(idsInFile(path)).toEqual(idsInFile(earlier));
    expect(idsInFile(path)).toHaveLength(100);
  });

  it('while a shell is in it leaves the log to the shell, and takes it away after that', async () => {
    const { path, backup, server, inBackup } = await restorable();
    const operator = openShell(path);
    await operator.run('SELECT count(*) FROM evaluations;');
    restore(backup, path);
    await server.logged(/was replaced by another file while the server ran/);
    const log = statSync(`${path}-wal`).ino;
    await expect(server.page()).rejects.toMatchObject({ code: 'audit_unavailable' });
    expect(statSync(`${path}-wal`).ino).toBe(log);
    await operator.kill();
    await eventually(async () => expect(await idsServed(server)).toEqual(inBackup));
    await server.stop();
    expect(existsSync(`${path}-wal`)).toBe(false);
    expect(idsInFile(path)).toEqual(inBackup);
  });

  it('while the server runs, which is then killed, gives exactly the rows of the backup', async () => {
    const { path, backup, server, inBackup } = await restorable();
    restore(backup, path);
    await server.kill();
    const again = await startStorageProcess(path);
    expect(await idsServed(again)).toEqual(inBackup);
    await again.stop();
    expect(idsInFile(path)).toEqual(inBackup);
  });

  it('after the server was killed gives exactly the rows of the backup, and keeps the log that it sets aside', async () => {
    const { path, backup, server, inBackup } = await restorable();
    await server.kill();
    const logBytes = statSync(`${path}-wal`).size;
    expect(logBytes).toBeGreaterThan(0);
    restore(backup, path);
    const again = await startStorageProcess(path);
    expect(await idsServed(again)).toEqual(inBackup);
    const { message } = await again.logged(/was replaced while no server ran: its write-ahead log is set aside/);
    const aside = /set aside as (\S+),/.exec(message)?.[1];
    expect(statSync(aside!).size).toBe(logBytes);
    await appendSome(again, 5);
    await again.stop();
    expect(idsInFile(path)).toHaveLength(325);
  });
});

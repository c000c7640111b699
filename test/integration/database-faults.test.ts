import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readPage } from '../contract/audit-page.ts';
import { makeOrder, makeServed } from '../storage/make-activity.ts';
import { makeEvaluation, makeEvaluations } from '../storage/make-evaluation.ts';
import { openStorage, type TestStorage } from '../storage/sqlite/open-storage.ts';
import { eventually } from '../support/eventually.ts';
import { scratch } from '../support/scratch.ts';
import { lacks } from '../support/services.ts';
import { idsInFile, shell } from '../support/sqlite3.ts';
import { openShell } from '../support/sqlite3-session.ts';

function messages({ lines }: TestStorage, pattern: RegExp): string[] {
  return lines.map((line) => line.message).filter((message) => pattern.test(message));
}

async function isOpen(storage: TestStorage): Promise<void> {
  await eventually(() => expect(storage.state()).toBe('open'));
}

describe.skipIf(lacks('sqlite3'))('a locked database', () => {
  it('while the server runs: rows wait, are written when it is free, and the log says both', async () => {
    const storage = await openStorage();
    const operator = openShell(storage.path);
    await operator.run('BEGIN IMMEDIATE;');
    const evaluations = makeEvaluations(700);
    const appended = await Promise.all(evaluations.map((evaluation) => storage.log.append(evaluation)));
    expect(new Set(appended)).toEqual(new Set(['queued']));
    expect(storage.log.stats()).toMatchObject({ stored: 0, waiting: 700, lastError: 'database is locked' });
    expect(await readPage(storage.reader)).toMatchObject({ total: 0 });
    await operator.run('ROLLBACK;');
    await eventually(() => expect(storage.log.stats()).toMatchObject({ stored: 700, waiting: 0, lastError: null }));
    expect(messages(storage, /failed to store evaluation: database is locked/)).toHaveLength(1);
    expect(messages(storage, /evaluations are stored again/)).toHaveLength(1);
    expect(await storage.log.append(makeEvaluation())).toBe('stored');
    await storage.close(10_000);
    expect(idsInFile(storage.path)).toHaveLength(701);
  });

  it('while the server runs: of more served decisions than may wait the oldest are dropped, and no order', async () => {
    const storage = await openStorage({ decisionLimit: 1_000 });
    const operator = openShell(storage.path);
    await operator.run('BEGIN IMMEDIATE;');
    storage.activity.ordered(makeOrder());
    for (let count = 0; count < 1_750; count++) storage.activity.served(makeServed({ caller: `ci-${count}` }));
    await eventually(() =>
      expect(storage.status().rows).toMatchObject({
        decision: { stored: 0, waiting: 1_000, dropped: 750 },
        order: { stored: 0, waiting: 1, dropped: 0 },
      }),
    );
    await eventually(() => expect(storage.status().lastError).toBe('database is locked'));
    await operator.run('ROLLBACK;');
    await eventually(() =>
      expect(storage.status()).toMatchObject({
        state: 'open',
        lastError: null,
        rows: {
          decision: { stored: 1_000, waiting: 0, dropped: 750 },
          order: { stored: 1, waiting: 0, dropped: 0 },
        },
      }),
    );
    expect(messages(storage, /served decisions are dropped from the audit/)).toHaveLength(1);
    expect(shell(storage.path, 'SELECT count(*) FROM served_decisions; SELECT count(*) FROM orders;')).toEqual([
      '1000',
      '1',
    ]);
  });

  it('at the start: it is served without, then opened', async () => {
    const first = await openStorage();
    await first.log.append(makeEvaluation());
    await first.close(10_000);
    const operator = openShell(first.path);
    await operator.run('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;');
    const storage = await openStorage({ path: first.path });
    expect(storage.state()).toBe('unavailable');
    expect(messages(storage, /failed to open the audit database: .*database is locked/)).toHaveLength(1);
    expect(await storage.log.append(makeEvaluation())).toBe('queued');
    await expect(storage.reader.page({ limit: 1 })).rejects.toMatchObject({ code: 'audit_unavailable' });
    await operator.kill();
    await eventually(() => expect(storage.log.stats().stored).toBe(1));
    expect((await readPage(storage.reader)).total).toBe(2);
  });

  it('at the stop: what could not be written is counted in the log', async () => {
    const storage = await openStorage();
    const operator = openShell(storage.path);
    await operator.run('BEGIN IMMEDIATE;');
    await storage.log.append(makeEvaluation());
    await storage.close(3_000);
    expect(
      messages(storage, /failed to store evaluation: 1 were not stored before the stop: database is locked/),
    ).toHaveLength(1);
  });
});

describe('a database that cannot be made', () => {
  it('in a directory that is missing is served without, and opened when the directory is there', async () => {
    const directory = join(scratch(), 'volume');
    const storage = await openStorage({ path: join(directory, 'aegis.db') });
    expect(storage.state()).toBe('unavailable');
    expect(messages(storage, /its directory does not exist/)).toHaveLength(1);
    expect(await storage.log.append(makeEvaluation())).toBe('queued');
    mkdirSync(directory);
    await eventually(() => expect(storage.log.stats().stored).toBe(1));
  });
});

/** A file system of this many kilobytes; null where this machine does not let us mount one. */
function mountSmall(kilobytes: number): string | null {
  const directory = scratch();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', directory], { stdio: 'ignore' });
  } catch {
    return null;
  }
  onTestFinished(() => void execFileSync('umount', ['-l', directory]));
  return directory;
}

describe('on a file system of its own (needs the right to mount)', () => {
  it('a full disk: rows wait until there is room again', async ({ skip }) => {
    const directory = mountSmall(1_024);
    if (directory === null) return skip('not allowed to mount');
    const storage = await openStorage({ path: join(directory, 'aegis.db') });
    expect(await storage.log.append(makeEvaluation())).toBe('stored');
    fill(directory);
    const evaluations = makeEvaluations(300);
    const appended = await Promise.all(evaluations.map((evaluation) => storage.log.append(evaluation)));
    expect(new Set(appended)).toEqual(new Set(['queued']));
    expect(messages(storage, /failed to store evaluation: database or disk is full/)).toHaveLength(1);
    rmSync(join(directory, 'filler'));
    await eventually(() => expect(storage.log.stats()).toMatchObject({ stored: 301, waiting: 0 }));
    await storage.close(10_000);
    expect(idsInFile(storage.path)).toHaveLength(301);
  });

  it('a full disk at the start: it is served without, then opened', async ({ skip }) => {
    const directory = mountSmall(1_024);
    if (directory === null) return skip('not allowed to mount');
    fill(directory);
    const storage = await openStorage({ path: join(directory, 'aegis.db') });
    expect(storage.state()).toBe('unavailable');
    expect(await storage.log.append(makeEvaluation())).toBe('queued');
    rmSync(join(directory, 'filler'));
    await eventually(() => expect(storage.log.stats().stored).toBe(1));
  });

  it('a read-only volume at the start: it is served without, then opened', async ({ skip }) => {
    const directory = mountSmall(4_096);
    if (directory === null) return skip('not allowed to mount');
    const path = join(directory, 'aegis.db');
    const first = await openStorage({ path });
    await first.log.append(makeEvaluation());
    await first.close(10_000);
    execFileSync('mount', ['-o', 'remount,ro', directory]);
    const storage = await openStorage({ path });
    expect(storage.state()).toBe('unavailable');
    expect(await storage.log.append(makeEvaluation())).toBe('queued');
    execFileSync('mount', ['-o', 'remount,rw', directory]);
    await isOpen(storage);
    await eventually(async () => expect((await readPage(storage.reader)).total).toBe(2));
  });
});

/** Takes what room there is, to the last block. */
function fill(directory: string): void {
  for (let bytes = 2 ** 20; bytes >= 512; bytes /= 2) {
    try {
      for (;;) writeFileSync(join(directory, 'filler'), Buffer.alloc(bytes), { flag: 'a' });
    } catch {
      // Full for pieces of this size: smaller ones may still fit.
    }
  }
  expect(existsSync(join(directory, 'filler'))).toBe(true);
}

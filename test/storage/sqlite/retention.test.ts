import { copyFileSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { expect, it, onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../../src/clock.ts';
import type { Slo } from '../../../src/slo/model.ts';
import type { Retention } from '../../../src/storage/ports.ts';
import { createWriter } from '../../../src/storage/sqlite/writer.ts';
import { readAll } from '../../contract/audit-page.ts';
import { eventually } from '../../support/eventually.ts';
import { scratch } from '../../support/scratch.ts';
import { anSlo } from '../../support/slo.ts';
import { makeEvaluation, makeEvaluations } from '../make-evaluation.ts';
import { makeServed } from '../make-activity.ts';
import { openStorage, type TestStorage } from './open-storage.ts';

const dayMs = 86_400_000;
const none: Retention = { maxAgeMs: 0, maxRows: 0, maxBytes: 0 };

/** Bounds that a test may change, as a reload does. */
function bounds(first: Partial<Retention> = {}) {
  let current = { ...none, ...first };
  const listeners: (() => void)[] = [];
  return {
    current: () => current,
    onChange: (listener: () => void) => void listeners.push(listener),
    set(next: Partial<Retention>) {
      current = { ...none, ...next };
      for (const listener of listeners) listener();
    },
  };
}

function change(path: string, sql: string): void {
  const db = new Sqlite(path, { timeout: 5_000 });
  db.exec(sql);
  db.close();
}

const swept = (storage: TestStorage) => eventually(() => expect(storage.retention().sweptAtMs).not.toBeNull());

it('deletes what is older than its age, of every kind, and nothing else', async () => {
  const retention = bounds();
  const storage = await openStorage({ retention });
  await Promise.all(makeEvaluations(1_000).map((one) => storage.log.append(one)));
  for (let count = 0; count < 10; count++) storage.activity.served(makeServed({ atMs: Date.now() - count * dayMs }));
  await eventually(() => expect(storage.status().rows.decision.stored).toBe(10));
  change(
    storage.path,
    `UPDATE evaluations SET created_at = strftime('%Y-%m-%d %H:%M:%f', 'now', '-5 days') WHERE id <= 700`,
  );
  retention.set({ maxAgeMs: 4.5 * dayMs });
  await eventually(() =>
    expect(storage.retention().deleted).toEqual({ evaluation: 700, decision: 5, order: 0, version: 0 }),
  );
  const left = await readAll(storage.reader, { limit: 1_000 });
  expect(left.map(({ id }) => id).sort((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, i) => 701 + i));
  expect(storage.retention().oldestMs.decision).toBeCloseTo(Date.now() - 4 * dayMs, -5);
  expect(storage.lines.filter(({ message }) => message.startsWith('retention: '))).toMatchObject([
    {
      level: 'info',
      message: expect.stringMatching(/^retention: 700 evaluations, 5 served decisions deleted; /) as string,
    },
  ]);
});

it('keeps so many of each kind, the newest', async () => {
  const retention = bounds();
  const storage = await openStorage({ retention });
  await Promise.all(makeEvaluations(2_500).map((one) => storage.log.append(one)));
  for (let count = 0; count < 1_200; count++) storage.activity.served(makeServed({ caller: `ci-${count}` }));
  await eventually(() => expect(storage.status().rows.decision.stored).toBe(1_200));
  retention.set({ maxRows: 1_000 });
  await eventually(() => expect(storage.retention().deleted).toMatchObject({ evaluation: 1_500, decision: 200 }));
  const left = await readAll(storage.reader, { limit: 1_000 });
  expect(Math.min(...left.map(({ id }) => id))).toBe(1_501);
});

it('keeps the file within its size, and gives the space back', async () => {
  const retention = bounds();
  const storage = await openStorage({ retention, encodeEvidence: () => JSON.stringify('x'.repeat(3_000)) });
  await Promise.all(makeEvaluations(6_000).map((one) => storage.log.append(one)));
  await eventually(() => expect(statSync(storage.path).size).toBeGreaterThan(20_000_000));
  retention.set({ maxBytes: 10 * 2 ** 20 });
  await eventually(() => expect(storage.retention().deleted.evaluation).toBeGreaterThan(1_000));
  await eventually(() => expect(statSync(storage.path).size).toBeLessThan(10 * 2 ** 20));
  const left = await readAll(storage.reader, { limit: 1_000 });
  expect(left.length).toBeGreaterThan(1_000);
  expect(Math.max(...left.map(({ id }) => id))).toBe(6_000);
  expect(await storage.log.append(makeEvaluation())).toBe('stored');
}, 60_000);

it('leaves a migrated database alone for a day, and says what is to go', async () => {
  const path = join(scratch(), 'aegis.db');
  copyFileSync('test/data/contract/databases/original-utc.db', path);
  await (await openStorage({ path })).close(5_000);
  change(path, `UPDATE evaluations SET created_at = '2020-01-01 00:00:00.000'`);
  const retention = bounds({ maxAgeMs: 30 * dayMs });
  const storage = await openStorage({ path, retention });
  await swept(storage);
  expect(storage.retention().deleted.evaluation).toBe(0);
  const said = storage.lines.filter(({ message }) => message.startsWith('retention: '));
  expect(said).toMatchObject([{ level: 'warn' }]);
  expect(said[0]?.message).toMatch(
    /^retention: 60 evaluations are to be deleted at .* UTC \(the database was migrated/,
  );

  change(path, `UPDATE schema_migrations SET applied_at = strftime('%Y-%m-%d %H:%M:%f', 'now', '-25 hours')`);
  retention.set({ maxAgeMs: 31 * dayMs });
  await eventually(() => expect(storage.retention().deleted.evaluation).toBe(60));
});

/** A clock whose wall is set by a test. */
function settable() {
  let aheadMs = 0;
  const clock: Clock = {
    ...systemClock,
    now: () => ({ ...systemClock.now(), wallMs: Date.now() + aheadMs }),
  };
  return { clock, set: (ms: number) => void (aheadMs = ms) };
}

it('deletes nothing by a clock that was set forward while it ran, or before it started', async () => {
  const { clock, set } = settable();
  const retention = bounds();
  const storage = await openStorage({ retention, clock });
  await Promise.all(makeEvaluations(100).map((one) => storage.log.append(one)));
  change(
    storage.path,
    `UPDATE evaluations SET created_at = strftime('%Y-%m-%d %H:%M:%f', 'now', '-5 days') WHERE id <= 10`,
  );
  const doubted = /^retention: the clock says .* UTC, and by the rows it is .* UTC: for a day /;
  set(365 * dayMs);
  retention.set({ maxAgeMs: 4 * dayMs });
  await eventually(() => expect(storage.retention().deleted.evaluation).toBe(10));
  expect(storage.lines).toContainEqual(
    expect.objectContaining({ level: 'warn', message: expect.stringMatching(doubted) as string }),
  );
  await storage.close(5_000);

  const again = await openStorage({ path: storage.path, retention: bounds({ maxAgeMs: 4 * dayMs }), clock });
  await swept(again);
  expect(again.retention().deleted.evaluation).toBe(0);
  expect(again.lines).toContainEqual(
    expect.objectContaining({ level: 'warn', message: expect.stringMatching(doubted) as string }),
  );
});

it('lets a small database of an older program give its space back', async () => {
  const path = join(scratch(), 'aegis.db');
  copyFileSync('test/data/databases/version-1.db', path);
  await (await openStorage({ path })).close(5_000);
  const db = new Sqlite(path, { readonly: true });
  expect(db.pragma('auto_vacuum', { simple: true })).toBe(2);
  expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
  db.close();
});

it('forgets versions that no evaluation refers to, and keeps those of kept rows and of what is defined', async () => {
  const retention = bounds();
  const storage = await openStorage({ retention });
  const [gone, kept, defined] = ['gone', 'kept', 'defined'].map((id) => anSlo({ id })) as [Slo, Slo, Slo];
  const anOld = anSlo({ id: 'kept', objective: 0.99 });
  storage.log.define([{ slo: defined, specHash: 'hash-of-defined' }]);
  for (const [slo, specHash] of [
    [gone, 'hash-of-gone'],
    [anOld, 'old-hash-of-kept'],
    [kept, 'hash-of-kept'],
    [defined, 'hash-of-defined'],
  ] as const)
    await storage.log.append(makeEvaluation({ slo, specHash }));
  change(
    storage.path,
    `UPDATE evaluations SET created_at = '2020-01-01 00:00:00.000' WHERE spec_hash <> 'hash-of-kept';
    UPDATE slo_versions SET first_seen = '2020-01-01 00:00:00.000'`,
  );
  retention.set({ maxAgeMs: dayMs });
  await eventually(() => expect(storage.retention().deleted).toMatchObject({ evaluation: 3, version: 2 }));
  const db = new Sqlite(storage.path, { readonly: true });
  const left = db.prepare('SELECT spec_hash FROM slo_versions ORDER BY 1').pluck().all();
  db.close();
  expect(left).toEqual(['hash-of-defined', 'hash-of-kept']);
});

it('goes on after a lock, and costs no row', async () => {
  const retention = bounds();
  const storage = await openStorage({ retention });
  await Promise.all(makeEvaluations(200).map((one) => storage.log.append(one)));
  const db = new Sqlite(storage.path, { timeout: 5_000 });
  db.exec(`UPDATE evaluations SET created_at = '2020-01-01 00:00:00.000' WHERE id <= 100; BEGIN IMMEDIATE`);
  retention.set({ maxAgeMs: dayMs });
  await eventually(() =>
    expect(storage.lines.map(({ message }) => message)).toContain(
      'retention: the sweep stopped, and is tried again in a minute: database is locked',
    ),
  );
  db.exec('COMMIT');
  db.close();
  retention.set({ maxAgeMs: 2 * dayMs });
  await eventually(() => expect(storage.retention().deleted.evaluation).toBe(100));
  expect(await storage.log.append(makeEvaluation())).toBe('stored');
});

/** A clock that sleeps a moment only, and says how long it was asked to. */
function hurried() {
  const askedMs: number[] = [];
  const clock: Clock = {
    ...systemClock,
    sleep(ms, signal) {
      askedMs.push(ms);
      return systemClock.sleep(Math.min(ms, 20), signal);
    },
  };
  return { clock, askedMs };
}

/** Rows to delete, with a log that is longer than a sweep may make it, and a reader that keeps it from being written back. */
async function heldLog() {
  const { clock, askedMs } = hurried();
  const retention = bounds();
  const storage = await openStorage({ retention, clock });
  await Promise.all(makeEvaluations(200).map((one) => storage.log.append(one)));
  change(storage.path, `UPDATE evaluations SET created_at = '2020-01-01 00:00:00.000' WHERE id <= 100`);
  await swept(storage);
  const reader = new Sqlite(storage.path, { readonly: true });
  reader.exec('BEGIN; SELECT count(*) FROM evaluations');
  const other = new Sqlite(storage.path, { timeout: 5_000 });
  other.pragma('wal_autocheckpoint = 0');
  other.exec('CREATE TABLE large (bytes); INSERT INTO large VALUES (zeroblob(70e6)); DROP TABLE large');
  other.close();
  onTestFinished(() => void reader.close());
  const sayings = () => storage.lines.map(({ message }) => message).filter((message) => message.includes('stopped'));
  return { storage, retention, reader, askedMs, sayings };
}

it('waits for a reader that keeps its log from being written back, and goes on', async () => {
  const { storage, retention, reader, askedMs, sayings } = await heldLog();
  retention.set({ maxAgeMs: dayMs });
  await eventually(() => expect(askedMs.filter((ms) => ms === 1_000).length).toBeGreaterThan(2));
  expect(storage.retention().deleted.evaluation).toBe(0);
  reader.exec('COMMIT');
  await eventually(() => expect(storage.retention().deleted.evaluation).toBe(100));
  expect(sayings()).toEqual([]);
  expect(statSync(`${storage.path}-wal`).size).toBeLessThan(64 * 2 ** 20);
});

it('says after a minute that a reader keeps it from deleting, and comes back every minute', async () => {
  const { storage, retention, reader, askedMs, sayings } = await heldLog();
  retention.set({ maxAgeMs: dayMs });
  await eventually(() => expect(sayings()).not.toEqual([]), 60_000);
  expect(sayings()).toEqual([
    `retention: the sweep stopped, and is tried again in a minute: the write-ahead log of ${storage.path} cannot be written back while the file is read`,
  ]);
  expect(askedMs.filter((ms) => ms === 1_000).length).toBeGreaterThanOrEqual(60);
  expect(askedMs.at(-1)).toBe(60_000);
  reader.exec('COMMIT');
  await eventually(() => expect(storage.retention().deleted.evaluation).toBe(100));
});

it('says what keeps its log from being written back where that is no reader', async () => {
  const { storage, retention, reader, sayings } = await heldLog();
  reader.close();
  const note = `${storage.path}-note`;
  rmSync(note, { force: true });
  mkdirSync(note);
  retention.set({ maxAgeMs: dayMs });
  await eventually(() => expect(sayings()).not.toEqual([]));
  expect(sayings().join()).toContain(`again in a minute: failed to checkpoint ${storage.path}: `);
});

it('a sweep that was ordered otherwise deletes no more, also where its log has to be written back first', async () => {
  const path = join(scratch(), 'aegis.db');
  const writer = createWriter(
    path,
    () => undefined,
    (task) => task(),
  );
  onTestFinished(() => writer.close());
  writer.open();
  const db = new Sqlite(path, { timeout: 5_000 });
  db.pragma('wal_autocheckpoint = 0'); // its log is left as large as it gets
  db.exec(`INSERT INTO evaluations
    (slo_id, service, environment, decision, reasons_json, burn_rates_json, timestamp, created_at, evaluation_id, spec_hash, evidence)
    SELECT 'a', 'b', 'c', 'ALLOW', '[]', '{}', '2020-01-01 00:00:00.000', '2020-01-01 00:00:00.000', value, 'h', hex(zeroblob(300))
    FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 20000) SELECT value FROM n)`);
  const left = () => db.prepare<[], number>('SELECT count(*) FROM evaluations').pluck().get();
  const order = (maxAgeMs: number, isNew: boolean) =>
    writer.sweep({ retention: { ...none, maxAgeMs }, nowMs: Date.now(), isNew });
  order(dayMs, true);
  await eventually(() => expect(order(dayMs, false).kind === 'more' && left()).toBeLessThan(20_000));
  // On a slow machine the log was written back by now.
  db.exec(`UPDATE evaluations SET evidence = hex(zeroblob(301))`);
  expect(statSync(`${path}-wal`).size).toBeGreaterThan(8 * 2 ** 20);
  await new Promise((resolve) => setTimeout(resolve, 1_100)); // longer than checkpoints are apart
  const before = left();
  for (let step = order(0, true); step.kind === 'more';) step = order(0, false);
  expect(left()).toBe(before);
  db.close();
});

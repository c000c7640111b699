import { statSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import { expect, it } from 'vitest';
import type { Retention } from '../../../src/storage/ports.ts';
import { readAll } from '../../contract/audit-page.ts';
import { eventually } from '../../support/eventually.ts';
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
  for (let count = 0; count < 1_200; count++) storage.activity.served(makeServed({ atMs: Date.now() + count }));
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
  await swept(storage);
  await eventually(() => expect(statSync(storage.path).size).toBeLessThan(10 * 2 ** 20));
  expect(storage.retention().deleted.evaluation).toBeGreaterThan(1_000);
  const left = await readAll(storage.reader, { limit: 1_000 });
  expect(left.length).toBeGreaterThan(1_000);
  expect(Math.max(...left.map(({ id }) => id))).toBe(6_000);
  expect(await storage.log.append(makeEvaluation())).toBe('stored');
}, 60_000);

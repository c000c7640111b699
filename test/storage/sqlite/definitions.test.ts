import Sqlite from 'better-sqlite3';
import { unlinkSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { DefinedSlo } from '../../../src/storage/ports.ts';
import { anSlo } from '../../support/slo.ts';
import { makeEvaluation } from '../make-evaluation.ts';
import { openStorage } from './open-storage.ts';

/** More than two messages hold. */
const many = 450;

const defined = (count: number, objective = 0.999): DefinedSlo[] =>
  Array.from({ length: count }, (_, index) => {
    return { slo: anSlo({ id: idOf(index), service: 'checkout', objective }), specHash: `hash-of-${index}` };
  });

const idOf = (index: number) => `slo-${String(index).padStart(4, '0')}`;

function inFile(path: string, sql: string): unknown[] {
  const db = new Sqlite(path, { readonly: true });
  try {
    return db.prepare(sql).pluck().all();
  } finally {
    db.close();
  }
}

async function closedAfter(define: readonly DefinedSlo[][]) {
  const storage = await openStorage();
  for (const slos of define) {
    storage.log.define(slos);
    await Promise.all(slos.map(({ slo }) => storage.log.append(makeEvaluation({ slo }))));
  }
  await storage.close(10_000);
  return storage.path;
}

it('has each of many definitions and states, of the first slice and the last', async () => {
  const path = await closedAfter([defined(many)]);
  const ids = defined(many).map(({ slo }) => slo.id);
  expect(inFile(path, 'SELECT id FROM slo_definitions ORDER BY id')).toEqual(ids);
  expect(inFile(path, 'SELECT slo_id FROM latest_state ORDER BY slo_id')).toEqual(ids);
});

it('forgets the state of those that are not among the next ones, and changes the definitions of all that are', async () => {
  const path = await closedAfter([defined(many), defined(many - 1, 0.99)]);
  const ids = defined(many - 1).map(({ slo }) => slo.id);
  expect(inFile(path, 'SELECT slo_id FROM latest_state ORDER BY slo_id')).toEqual(ids);
  expect(inFile(path, 'SELECT id FROM slo_definitions WHERE objective = 0.99 ORDER BY id')).toEqual(ids);
});

it('keeps no state where nothing is served any more', async () => {
  const path = await closedAfter([defined(many), []]);
  expect(inFile(path, 'SELECT slo_id FROM latest_state')).toEqual([]);
});

it('writes all of them to a file that is made anew between two slices', async () => {
  const storage = await openStorage();
  storage.log.define(defined(many));
  await new Promise(setImmediate); // the first is on its way
  unlinkSync(storage.path);
  await storage.log.flush(10_000);
  await storage.close(10_000);
  expect(inFile(storage.path, 'SELECT count(*) FROM slo_definitions')).toEqual([many]);
});

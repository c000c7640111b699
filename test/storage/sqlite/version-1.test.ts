import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { expect, it } from 'vitest';
import { readAll } from '../../contract/audit-page.ts';
import { scratch } from '../../support/scratch.ts';
import { makeEvaluation } from '../make-evaluation.ts';
import { makeServed } from '../make-activity.ts';
import { openStorage } from './open-storage.ts';

const kept = ['evaluations', 'latest_state', 'slo_definitions', 'slo_versions'];

function rowsIn(path: string): unknown[] {
  const db = new Sqlite(path, { readonly: true });
  const rows = kept.map((table) => db.prepare(`SELECT * FROM ${table} ORDER BY 1`).all());
  db.close();
  return rows;
}

it('a database of version 1 is migrated, keeps every row as it is, and takes new ones of every kind', async () => {
  const path = join(scratch(), 'aegis.db');
  copyFileSync('test/data/databases/version-1.db', path);
  const before = rowsIn(path);
  const storage = await openStorage({ path });
  expect(storage.lines.map((line) => line.message)).toEqual([
    `${path} is migrated from version 1 to 2: every row is kept`,
  ]);
  expect(await readAll(storage.reader, { limit: 10 })).toHaveLength(27);
  await storage.close(10_000);
  expect(rowsIn(path)).toEqual(before);

  const again = await openStorage({ path });
  expect(again.lines).toEqual([]);
  again.activity.served(makeServed());
  expect(await again.log.append(makeEvaluation())).toBe('stored');
  await again.close(10_000);
  expect(again.status().rows).toMatchObject({ evaluation: { stored: 1 }, decision: { stored: 1 } });
});

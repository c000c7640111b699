import { copyFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import type { ActivityReader } from '../../../src/storage/ports.ts';
import { currentVersion } from '../../../src/storage/sqlite/migrations.ts';
import { version } from '../../../src/version.ts';
import { readAll } from '../../contract/audit-page.ts';
import { scratch } from '../../support/scratch.ts';
import { makeEvaluation } from '../make-evaluation.ts';
import { makeOrder, makeServed } from '../make-activity.ts';
import { openStorage } from './open-storage.ts';

const databases = 'test/data/databases';

/** Each with how many rows the server of its day left in it. */
const earlier = [
  { version: 1, rows: { evaluations: 27, slo_versions: 7, latest_state: 6, slo_definitions: 6 } },
  {
    version: 2,
    rows: { evaluations: 15, slo_versions: 7, latest_state: 6, slo_definitions: 6, served_decisions: 12, orders: 2 },
  },
  {
    version: 3,
    rows: { evaluations: 15, slo_versions: 7, latest_state: 6, slo_definitions: 6, served_decisions: 10, orders: 3 },
  },
];

function copied(version: number): string {
  const path = join(scratch(), 'aegis.db');
  copyFileSync(`${databases}/version-${version}.db`, path);
  return path;
}

/** Every column of every row, by table. */
function rowsIn(path: string, tables: readonly string[]): Record<string, unknown[]> {
  const db = new Sqlite(path, { readonly: true });
  const rows = tables.map((table) => [table, db.prepare(`SELECT * FROM ${table} ORDER BY 1`).all()]);
  db.close();
  return Object.fromEntries(rows) as Record<string, unknown[]>;
}

interface Answered {
  readonly id: string;
  readonly timestamp: string;
  readonly requestId: string;
  readonly count: number;
  readonly lastTimestamp: string;
  readonly requestIds: readonly string[];
  readonly offsetsMs: readonly number[];
}

async function readServed(reader: ActivityReader): Promise<readonly Answered[]> {
  const page = await reader.decisions({ limit: 1_000 });
  return (JSON.parse(Buffer.from(page).toString()) as { records: readonly Answered[] }).records;
}

/** Version 3 was the first that wrote it down, for all that it went through. */
const namedBefore = (from: number) => (from < 3 ? null : '0.2.0');

const rowId = (row: unknown) => (row as { readonly id: string }).id;

function migrationsIn(path: string): unknown {
  const db = new Sqlite(path, { readonly: true });
  const rows = db.prepare('SELECT version, applied_by FROM schema_migrations ORDER BY version').raw().all();
  db.close();
  return rows;
}

it('there is a database of every earlier version', () => {
  const files = readdirSync(databases).filter((file) => file.endsWith('.db'));
  expect(files.sort()).toEqual(Array.from({ length: currentVersion - 1 }, (_, index) => `version-${index + 1}.db`));
});

describe.each(earlier)('a database of version $version', ({ version: from, rows }) => {
  it('is migrated, keeps every row as it is, and takes new ones of every kind', async () => {
    const path = copied(from);
    const before = rowsIn(path, Object.keys(rows));
    const counts = Object.entries(before).map(([table, found]) => [table, found.length]);
    expect(Object.fromEntries(counts)).toEqual(rows);
    const storage = await openStorage({ path });
    expect(storage.lines.map((line) => line.message)).toEqual([
      `${path} is migrated from version ${from} to ${currentVersion}: every row is kept`,
    ]);
    expect(await readAll(storage.reader, { limit: 10 })).toHaveLength(rows.evaluations);
    const answered = await readServed(storage.activityReader);
    expect(answered.map(({ id }) => id).sort()).toEqual((before.served_decisions ?? []).map((row) => rowId(row)));
    for (const { count, requestId, requestIds, timestamp, lastTimestamp, offsetsMs } of answered)
      expect([count, requestIds, lastTimestamp, offsetsMs]).toEqual([1, [requestId], timestamp, [0]]);
    await storage.close(10_000);
    // Columns that came later are beside those of before.
    expect(rowsIn(path, Object.keys(rows))).toMatchObject(before);

    const again = await openStorage({ path });
    expect(again.lines).toEqual([]);
    again.activity.served(makeServed());
    again.activity.ordered(makeOrder());
    expect(await again.log.append(makeEvaluation())).toBe('stored');
    await again.close(10_000);
    expect(again.status().rows).toMatchObject({
      evaluation: { stored: 1 },
      decision: { stored: 1 },
      order: { stored: 1 },
    });
  });

  it('says afterwards which version of this software brought it to its version', async () => {
    const path = copied(from);
    await (await openStorage({ path })).close(10_000);
    const versions = Array.from({ length: currentVersion }, (_, index) => index + 1);
    expect(migrationsIn(path)).toEqual(versions.map((one) => [one, one <= from ? namedBefore(from) : version]));
  });
});

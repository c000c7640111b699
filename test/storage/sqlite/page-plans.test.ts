import Sqlite, { type Database } from 'better-sqlite3';
import { beforeAll, describe, expect, it } from 'vitest';
import { ordersTable, servedDecisionsTable } from '../../../src/storage/sqlite/activity-pages.ts';
import { evaluationsTable } from '../../../src/storage/sqlite/evaluations-page.ts';
import type { PageQuery } from '../../../src/storage/sqlite/messages.ts';
import { migrate } from '../../../src/storage/sqlite/migrations.ts';
import { keysSql } from '../../../src/storage/sqlite/page.ts';
import { rangesOf } from '../../../src/storage/sqlite/ranges.ts';

let db: Database;

// 99 of 100 rows are of one SLO; what is rare is old.
beforeAll(() => {
  db = new Sqlite(':memory:');
  migrate(db);
  const uuid = `printf('%08x-0000-7000-8000-%012x', i >> 4, i)`;
  const decision = `CASE WHEN i = 7 THEN 'BLOCK' WHEN i < 50 THEN 'WARN' ELSE 'ALLOW' END`;
  const instant = `strftime('%Y-%m-%d %H:%M:%f', 1767225600 + i, 'unixepoch')`;
  const numbers = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)';
  db.exec(`
    ${numbers} INSERT INTO evaluations (slo_id, service, environment, decision, reasons_json, burn_rates_json, timestamp,
      created_at, evaluation_id)
    SELECT iif(i % 100, 'a', 'b'), iif(i % 100, 'shop', 'mail'), iif(i % 100, 'production', 'staging'), ${decision},
      '[]', '{}', ${instant}, ${instant}, ${uuid} FROM n;
    ${numbers} INSERT INTO served_decisions (id, timestamp, slo_id, decision, evaluation_id, was_forced, caller, address,
      request_id)
    SELECT ${uuid}, ${instant}, iif(i % 100, 'a', 'b'), ${decision}, 'e' || (i / 4), 0, iif(i % 100, 'ci', 'cd'), '', '' FROM n;
    ${numbers} INSERT INTO orders SELECT ${uuid}, ${instant}, '', '{}', '', iif(i % 100, 'ci', 'cd'), '', '' FROM n;`);
});

const stretches: Omit<PageQuery, 'equals' | 'limit'>[] = [
  {},
  { startMs: Date.UTC(2020, 0), endMs: Date.UTC(2020, 1) },
  { startMs: Date.UTC(2026, 0), endMs: Date.UTC(2027, 0) },
  { after: { timestamp: '2026-01-01 03:00:00.000', id: '0' } },
];

/** Every choice of a value, or none, for each column. */
function combinations(values: Readonly<Record<string, readonly string[]>>): PageQuery['equals'][] {
  return Object.entries(values).reduce<Record<string, string>[]>(
    (found, [column, ones]) => found.flatMap((one) => [one, ...ones.map((value) => ({ ...one, [column]: value }))]),
    [{}],
  );
}

function planOf(sql: string, values: Record<string, unknown>): readonly string[] {
  const rows = db.prepare<[unknown], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all(values);
  return rows.map(({ detail }) => detail);
}

describe('a page of evaluations', () => {
  const all = combinations({
    slo_id: ['a', 'b', 'none'],
    service: ['shop', 'mail', 'none'],
    environment: ['production', 'staging'],
    decision: ['ALLOW', 'WARN', 'BLOCK'],
  });

  it('comes from indexes alone, in their order, for every combination of filters', () => {
    for (const equals of all) {
      const ranges = rangesOf(db, 'evaluations', evaluationsTable.indexes, equals);
      expect(ranges).not.toBeNull();
      if (ranges === null || ranges.length === 0) continue; // a contradiction: nothing is read
      for (const stretch of stretches) {
        const { sql, values } = keysSql(evaluationsTable, { equals, limit: 100, ...stretch }, ranges);
        const plan = planOf(sql, values);
        const reads = plan.filter((line) => line.includes(' evaluations '));
        expect(reads).toHaveLength(ranges.length);
        for (const read of reads) expect(read).toMatch(/COVERING INDEX evaluations_by_\w+/);
        expect(plan.join('\n')).not.toContain('TEMP B-TREE');
        // All that is asked for is where the index is searched: no entry is read and then left out.
        for (const read of Object.keys(equals).length === 0 ? [] : reads) {
          for (const column of Object.keys(equals)) expect(read).toMatch(new RegExp(`[( ]${column}=\\?`));
        }
      }
    }
  });

  it('reads nothing where filters contradict each other', () => {
    const ranges = (equals: PageQuery['equals']) => rangesOf(db, 'evaluations', evaluationsTable.indexes, equals);
    expect(ranges({ slo_id: 'a', service: 'mail' })).toEqual([]);
    expect(ranges({ slo_id: 'b', decision: 'BLOCK' })).toEqual([]);
    expect(ranges({ service: 'shop', environment: 'staging' })).toEqual([]);
  });
});

describe('a page of what was served and ordered', () => {
  const tables = [
    [servedDecisionsTable, { slo_id: ['a', 'b'], decision: ['ALLOW', 'BLOCK'], caller: ['ci'], evaluation_id: ['e1'] }],
    [ordersTable, { caller: ['ci', 'cd'] }],
  ] as const;

  it.each(tables)('is read in the order of an index, and never sorted ($name)', (table, values) => {
    for (const equals of combinations(values)) {
      const ranges = rangesOf(db, table.name, table.indexes, equals) ?? [];
      if (ranges.length === 0) continue;
      for (const stretch of stretches) {
        const { sql, values: bound } = keysSql(table, { equals, limit: 100, ...stretch }, ranges);
        const plan = planOf(sql, bound).join('\n');
        expect(plan).toContain(`INDEX ${table.name}_by_`);
        expect(plan).not.toContain('TEMP B-TREE');
      }
    }
  });
});

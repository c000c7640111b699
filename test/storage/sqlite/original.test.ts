import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { currentVersion } from '../../../src/storage/sqlite/migrations.ts';
import { readAll, type AuditRecord } from '../../contract/audit-page.ts';
import { makeEvaluation } from '../make-evaluation.ts';
import { scratch } from '../../support/scratch.ts';
import { openStorage } from './open-storage.ts';

interface OriginalRow {
  readonly id: number;
  readonly slo_id: string;
  readonly service: string;
  readonly environment: string;
  readonly decision: string;
  readonly sli: number;
  readonly error_rate: number;
  readonly budget_remaining: number;
  readonly is_stale: number;
  readonly has_no_traffic: number;
  readonly reasons_json: string;
  readonly burn_rates_json: string;
  readonly timestamp: string;
  readonly created_at: string;
}

const ours = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/;

function original(name: string): { path: string; rows: OriginalRow[] } {
  const path = join(scratch(), 'aegis.db');
  copyFileSync(`test/data/contract/databases/${name}`, path);
  const db = new Sqlite(path, { readonly: true });
  const rows = db.prepare<[], OriginalRow>('SELECT * FROM evaluations ORDER BY id').all();
  db.close();
  expect(rows).toHaveLength(60);
  return { path, rows };
}

function inFile<Row>(path: string, sql: string): Row[] {
  const db = new Sqlite(path, { readonly: true });
  const rows = db.prepare<[], Row>(sql).all();
  db.close();
  return rows;
}

describe.each(['original-utc.db', 'original-local.db'])('the Go original’s %s', (name) => {
  it('opens with every row, its numbers and reasons untouched', async () => {
    const { path, rows } = original(name);
    const storage = await openStorage({ path });
    expect(storage.lines.map((line) => line.message)).toEqual([
      `${path} is migrated from version 0 to ${currentVersion}: every row is kept`,
    ]);
    const records = await readAll(storage.reader, { limit: 25 });
    const byId = new Map<number, AuditRecord>(records.map((record) => [record.id, record]));
    expect(byId.size).toBe(60);
    for (const row of rows) {
      expect(byId.get(row.id)).toMatchObject({
        sloID: row.slo_id,
        service: row.service,
        environment: row.environment,
        decision: row.decision,
        sli: row.sli,
        errorRate: row.error_rate,
        budgetRemaining: row.budget_remaining,
        isStale: row.is_stale === 1,
        hasNoTraffic: row.has_no_traffic === 1,
        reasons: JSON.parse(row.reasons_json) as unknown,
        timestamp: new Date(row.timestamp).toISOString(),
        createdAt: new Date(`${row.created_at}Z`).toISOString(),
      });
    }
  });

  it('gives its rows in the order of their instants, below the millisecond too', async () => {
    const { path, rows } = original(name);
    const { reader } = await openStorage({ path });
    const ns = (text: string) =>
      BigInt(Date.parse(text)) * 1_000_000n + BigInt(/\.\d{3}(\d+)/.exec(text)?.[1]?.padEnd(6, '0') ?? 0);
    const newestFirst = [...rows].sort((a, b) => (ns(a.timestamp) < ns(b.timestamp) ? 1 : -1));
    const found = await readAll(reader, { limit: 7 });
    expect(found.map((record) => record.timestamp)).toEqual(
      newestFirst.map((row) => new Date(row.timestamp).toISOString()),
    );
    expect(found.map((record) => record.id)).toEqual(newestFirst.map((row) => row.id));
  });

  it('has burn rates in our names, with the thresholds of its SLOs, and a code for each reason', async () => {
    const { path, rows } = original(name);
    const { reader } = await openStorage({ path });
    const specs = new Map(
      inFile<{ id: string; spec_json: string }>(path, 'SELECT id, spec_json FROM slo_definitions').map((row) => [
        row.id,
        JSON.parse(row.spec_json) as {
          BurnPolicy: { Rules: { ShortWindow: string; LongWindow: string; Threshold: number }[] };
        },
      ]),
    );
    for (const record of await readAll(reader, { limit: 100 })) {
      const row = rows.find((one) => one.id === record.id)!;
      const rates = JSON.parse(row.burn_rates_json) as Record<string, { BurnRate: number }>;
      expect(Object.keys(record.burnRates)).toEqual(Object.keys(rates));
      for (const [window, { burnRate, threshold }] of Object.entries(record.burnRates)) {
        expect(burnRate).toBe(rates[window]!.BurnRate);
        const rule = specs
          .get(record.sloID)!
          .BurnPolicy.Rules.find((one) => [one.ShortWindow, one.LongWindow].includes(window));
        expect(threshold).toBe(rule?.Threshold);
      }
      expect(record.reasonCodes).toHaveLength(record.reasons.length);
    }
  });

  it('has our form of instants in every table, and keeps its definitions and latest states', async () => {
    const { path } = original(name);
    const states = inFile<{ slo_id: string }>(path, 'SELECT slo_id FROM latest_state ORDER BY slo_id');
    await (await openStorage({ path })).close(10_000);
    for (const [table, columns] of [
      ['evaluations', 'timestamp, created_at'],
      ['latest_state', 'timestamp, updated_at'],
      ['slo_definitions', 'created_at, updated_at'],
    ]) {
      const instants = inFile<Record<string, string>>(path, `SELECT ${columns} FROM ${table}`).flatMap((row) =>
        Object.values(row),
      );
      expect(instants.filter((text) => !ours.test(text))).toEqual([]);
      expect(instants.length).toBeGreaterThan(0);
    }
    expect(inFile(path, 'SELECT slo_id FROM latest_state ORDER BY slo_id')).toEqual(states);
  });

  it('is migrated once, to the same ids each time, and goes on where its row ids ended', async () => {
    const ids = async (path: string) =>
      (await readAll((await openStorage({ path })).reader, { limit: 100 })).map((record) => record.evaluationID);
    const { path } = original(name);
    const once = await ids(path);
    expect(new Set(once).size).toBe(60);
    for (const id of once) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(await ids(original(name).path)).toEqual(once);

    const last = inFile<{ seq: number }>(
      original(name).path,
      `SELECT seq FROM sqlite_sequence WHERE name = 'evaluations'`,
    )[0]!.seq;
    const storage = await openStorage({ path: original(name).path });
    await storage.log.append(makeEvaluation());
    const [newest] = await readAll(storage.reader, { limit: 1, startMs: Date.now() - 60_000 });
    expect(newest?.id).toBe(last + 1);
  });

  it('gives the evidence of an old row as an empty object', async () => {
    const { reader } = await openStorage({ path: original(name).path });
    const [record] = await readAll(reader, { limit: 100 });
    expect(await reader.get(record!.evaluationID)).toMatchObject({
      evidenceJson: '{}',
      documentJson: null,
      specHash: null,
    });
  });
});

it('a database of the original without a row is migrated too', async () => {
  const { path } = original('original-utc.db');
  const db = new Sqlite(path);
  db.pragma('foreign_keys = OFF');
  db.exec(
    'DELETE FROM evaluations; DELETE FROM latest_state; DELETE FROM slo_definitions; DELETE FROM sqlite_sequence;',
  );
  db.close();
  const storage = await openStorage({ path });
  expect(await storage.log.append(makeEvaluation())).toBe('stored');
});

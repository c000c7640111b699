import { readFileSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { setTimeout as pause } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { afterEach, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { createGate, type GateServer } from '../support/gate-server.ts';
import { sloDocument } from '../support/slo.ts';

const healthy = { good: 9995, total: 10_000 };
const fixture = { windows: { '5m': healthy, '1h': healthy, '6h': healthy, '30d': healthy } };

const old = { evaluations: 350_000, decisions: 200_000 };
const kept = { evaluations: 200_000, decisions: 250_000 };
const keptSeconds = 80 * 86_400;

let gate: GateServer;
afterEach(() => gate.remove());

const at = (agoSql: string) => `strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || (${agoSql}) || ' seconds')`;

/** A million rows: the old ones of 100 days ago and before, the others of the last 80 days. */
function fill(path: string): void {
  const db = new Sqlite(path);
  db.pragma('journal_mode = OFF');
  db.pragma('synchronous = OFF');
  const numbers = (count: number) =>
    `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${count - 1})`;
  const ago = (first: number, rest: number) =>
    `CASE WHEN i < ${first} THEN 9e6 + ${first} - i ELSE ${keptSeconds} - (i - ${first}) * ${keptSeconds - 60}.0 / ${rest} END`;
  // Indexes are made faster afterwards, from what is sorted.
  const indexes = db
    .prepare<[], { name: string; sql: string }>(
      `SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL`,
    )
    .all();
  for (const { name } of indexes) db.exec(`DROP INDEX ${name}`);
  const uuid = `printf('%08x-0000-7000-8000-%012x', i >> 4, i)`;
  db.exec(`
    ${numbers(old.evaluations + kept.evaluations)}
    INSERT INTO evaluations (slo_id, service, environment, decision, sli, reasons_json, burn_rates_json, timestamp,
      created_at, evaluation_id, spec_hash)
    SELECT 'slo-' || (i % 10), 'shop', 'production', 'ALLOW', 0.9995, '["ok"]', '{}', t, t, ${uuid}, 'hash'
    FROM (SELECT i, ${at(ago(old.evaluations, kept.evaluations))} AS t FROM n);
    ${numbers(old.decisions + kept.decisions)}
    INSERT INTO served_decisions (id, timestamp, slo_id, decision, evaluation_id, was_forced, caller, address, request_id)
    SELECT ${uuid}, ${at(ago(old.decisions, kept.decisions))}, 'slo-' || (i % 10), 'ALLOW', 'e', 0, 'ci', '::1', 'r' FROM n`);
  for (const { sql } of indexes) db.exec(sql);
  db.close();
}

interface Exported {
  readonly id: number;
  readonly sloID: string;
}

/** Counts the lines of an export, and how often each row was there. */
async function runExport(startMs: number): Promise<{ lines: number; rows: number }> {
  const startTime = new Date(startMs).toISOString();
  const response = await fetch(`${gate.url}/v1/audit/export?startTime=${startTime}`);
  expect(response.status).toBe(200);
  const body = Readable.fromWeb(response.body as ReadableStream<Uint8Array>);
  const seen = new Set<number>();
  let lines = 0;
  for await (const line of createInterface({ input: body })) {
    const { id, sloID } = JSON.parse(line) as Exported;
    if (!sloID.startsWith('slo-')) continue; // the server's own, of now
    lines += 1;
    seen.add(id);
  }
  return { lines, rows: seen.size };
}

function residentBytes(): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${gate.process().pid}/status`, 'utf8')) ?? [];
  return Number(kib) * 1024;
}

/** Asks for decisions one after another, and looks at the memory, until it is stopped. */
function load() {
  let isOver = false;
  let peakBytes = 0;
  const tookMs: number[] = [];
  const ask = async () => {
    while (!isOver) {
      const beganMs = performance.now();
      expect((await gate.decide('checkout')).decision).toBe('ALLOW');
      tookMs.push(performance.now() - beganMs);
      peakBytes = Math.max(peakBytes, residentBytes());
      await pause(5); // the machine is to have time for the rest, too
    }
  };
  const asking = Promise.all([ask(), ask()]);
  return async () => {
    isOver = true;
    await asking;
    return { peakBytes, tookMs: tookMs.sort((a, b) => a - b) };
  };
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${gate.url}/metrics`)).text();
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.split(' ')[1],
  );
}

/** For 600 MB on two busy cores; quiet ones take 7 s. */
const sweepBoundMs = 120_000;

it(
  'deletes the larger part of a million rows and exports the rest while decisions go on',
  async () => {
    gate = await createGate({
      slos: [sloDocument({ id: 'checkout', interval: '1s' })],
      fixtures: { checkout: fixture },
    });
    await gate.start();
    await gate.waitFor('checkout', 'ALLOW');
    await gate.stop();
    fill(gate.db);
    const fullBytes = statSync(gate.db).size;

    await gate.start();
    await gate.waitFor('checkout', 'ALLOW');
    const beforeBytes = residentBytes();
    const stop = load();
    try {
      const exported = await runExport(Date.now() - (keptSeconds + 86_400) * 1_000);
      expect(exported).toEqual({ lines: kept.evaluations, rows: kept.evaluations });
      await eventually(
        async () => expect(await metric('aegis_audit_last_sweep_timestamp_seconds')).toBeGreaterThan(0),
        sweepBoundMs,
      );
    } finally {
      await stop();
    }
    const { peakBytes, tookMs } = await stop();
    expect(await metric('aegis_audit_rows_deleted_total{kind="evaluation"}')).toBe(old.evaluations);
    expect(await metric('aegis_audit_rows_deleted_total{kind="decision"}')).toBe(old.decisions);
    expect(tookMs.length).toBeGreaterThan(100);
    expect(peakBytes - beforeBytes).toBeLessThan(250e6); // the rows are 600 MB
    expect(await gate.stop()).toBe(0);

    const db = new Sqlite(gate.db, { readonly: true });
    const count = (sql: string) => db.prepare(`SELECT count(*) FROM ${sql}`).pluck().get();
    expect(count(`evaluations WHERE slo_id LIKE 'slo-%'`)).toBe(kept.evaluations);
    expect(count(`served_decisions WHERE request_id = 'r'`)).toBe(kept.decisions);
    expect(count(`evaluations WHERE created_at < datetime('now', '-90 days')`)).toBe(0);
    expect(db.pragma('quick_check', { simple: true })).toBe('ok');
    db.close();
    expect(statSync(gate.db).size).toBeLessThan(fullBytes * 0.6);
    expect(gate.lines().filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
    // Where nobody else reads the file, its log is written back as often as the sweep fills it.
    expect(gate.lines().filter(({ message }) => String(message).includes('the sweep stopped'))).toEqual([]);
  },
  2 * sweepBoundMs,
);

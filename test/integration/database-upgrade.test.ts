import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { currentVersion } from '../../src/storage/sqlite/migrations.ts';
import { makeEvaluations } from '../storage/make-evaluation.ts';
import { createGate, type GateServer } from '../support/gate-server.ts';
import { scratch } from '../support/scratch.ts';
import { sloDocument } from '../support/slo.ts';
import { startStorageProcess } from '../support/storage-process.ts';

const gates: GateServer[] = [];
afterEach(async () => {
  for (const gate of gates.splice(0)) await gate.remove();
});

/** A gate that has not been started yet, with the file where its database will be. */
async function gateOver(database: string): Promise<GateServer> {
  const gate = await createGate({ slos: [sloDocument()] });
  gates.push(gate);
  copyFileSync(database, gate.db);
  return gate;
}

function inFile(path: string, sql: string): unknown[] {
  const db = new Sqlite(path, { readonly: true });
  const rows = db.prepare(sql).raw().all();
  db.close();
  return rows;
}

/** What a server of the next version would leave; killed, its last rows stand in the write-ahead log. */
function newerDatabase({ isKilled }: { isKilled: boolean }): string {
  const path = join(scratch(), 'newer.db');
  copyFileSync('test/data/databases/version-2.db', path);
  const db = new Sqlite(path);
  db.pragma('journal_mode = WAL');
  db.exec(`
    ALTER TABLE schema_migrations ADD COLUMN applied_by TEXT;
    INSERT INTO schema_migrations (version, applied_by) VALUES (3, '0.3.0'), (${currentVersion + 1}, '0.4.0');
    PRAGMA user_version = ${currentVersion + 1};
    PRAGMA wal_checkpoint(TRUNCATE);
    UPDATE evaluations SET service = 'in the log' WHERE id = 1;
  `);
  const left = isKilled ? `${path}.killed` : path;
  if (isKilled) for (const end of ['', '-wal']) copyFileSync(path + end, left + end);
  db.close();
  return left;
}

describe('a database of a newer version', () => {
  const words = `newer version (${currentVersion + 1}; this program knows up to ${currentVersion}), written by AegisSLO 0.4.0: start that or a newer one`;

  it.each([{ isKilled: false }, { isKilled: true }])('ends the start, untouched (killed: $isKilled)', async (how) => {
    const newer = newerDatabase(how);
    const gate = await gateOver(newer);
    if (how.isKilled) copyFileSync(`${newer}-wal`, `${gate.db}-wal`);
    await expect(gate.start()).rejects.toThrow('the server ended with 1');
    expect(gate.log()).toContain(words);
    expect(readFileSync(gate.db).equals(readFileSync(newer))).toBe(true);
    if (how.isKilled) expect(readFileSync(`${gate.db}-wal`).equals(readFileSync(`${newer}-wal`))).toBe(true);
    else expect(readdirSync(dirname(gate.db)).filter((file) => file.startsWith('aegis.db'))).toEqual(['aegis.db']);
  });
});

describe('a server of today over an earlier database', () => {
  const evaluations = 'SELECT * FROM evaluations WHERE id <= 15 ORDER BY id';
  const activity = `SELECT id, timestamp, slo_id, decision, evaluation_id, was_forced, caller, address, request_id
    FROM served_decisions UNION ALL SELECT *, NULL FROM orders ORDER BY 1`;

  it('migrates it at the start, goes on in it, and keeps every row', async () => {
    const gate = await gateOver('test/data/databases/version-2.db');
    const before = { evaluations: inFile(gate.db, evaluations), activity: inFile(gate.db, activity) };
    await gate.start();
    expect((await gate.decide('api-availability', true)).audited).toBe(true);
    expect(await gate.stop()).toBe(0);
    expect(gate.log()).toContain(`is migrated from version 2 to ${currentVersion}: every row is kept`);
    expect(inFile(gate.db, evaluations)).toEqual(before.evaluations);
    expect(inFile(gate.db, activity)).toEqual(expect.arrayContaining(before.activity));
    expect(inFile(gate.db, 'SELECT count(*) FROM evaluations WHERE id > 15')).not.toEqual([[0]]);
  });
});

describe('two starts at once over a database of an earlier version', () => {
  const cases = [
    'contract/databases/original-utc.db',
    'databases/version-1.db',
    'databases/version-2.db',
    'databases/version-3.db',
  ];
  const rows = 'SELECT id, slo_id, decision, sli, error_rate, reasons_json FROM evaluations ORDER BY id';

  it.each(cases)('%s: it is migrated once, and nothing is lost', async (name) => {
    const path = join(scratch(), 'aegis.db');
    copyFileSync(`test/data/${name}`, path);
    multiply(path, 500);
    const before = inFile(path, rows);
    const servers = await Promise.all([startStorageProcess(path), startStorageProcess(path)]);
    await Promise.all(servers.map((server) => server.append(makeEvaluations(20))));
    await Promise.all(servers.map((server) => server.flush(20_000)));
    for (const server of servers) await server.stop();
    const after = inFile(path, rows);
    expect(after.slice(0, before.length)).toEqual(before);
    expect(after).toHaveLength(before.length + 40);
    expect(inFile(path, 'SELECT version FROM schema_migrations ORDER BY version')).toEqual(
      Array.from({ length: currentVersion }, (_, index) => [index + 1]),
    );
    const lines = servers.flatMap((server) => server.lines.map((line) => line.message));
    expect(lines.filter((line) => line.includes('every row is kept'))).toHaveLength(1);
  });
});

/** So many times the evaluations, so that migrating them takes a while. */
function multiply(path: string, times: number): void {
  const columns =
    'slo_id, service, environment, decision, sli, error_rate, budget_remaining, is_stale, has_no_traffic, reasons_json, burn_rates_json, timestamp, created_at';
  const db = new Sqlite(path);
  db.exec(`
    WITH RECURSIVE n(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < ${times})
    INSERT INTO evaluations (${columns}) SELECT ${columns} FROM evaluations, n;
  `);
  db.close();
}

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { createGate, type GateServer } from '../support/gate-server.ts';
import { keysFileText } from '../support/keyed-access.ts';
import { scratch } from '../support/scratch.ts';
import { lacks } from '../support/services.ts';
import { sloDocument } from '../support/slo.ts';
import { openShell } from '../support/sqlite3-session.ts';

const healthy = { good: 9995, total: 10_000 };
const fixture = { windows: { '5m': healthy, '1h': healthy, '6h': healthy, '30d': healthy } };

let gate: GateServer;
afterEach(() => gate.remove());

/** A server whose one SLO is evaluated once a day: what is written is what is served. */
async function aGate(): Promise<void> {
  gate = await createGate({
    slos: [sloDocument({ id: 'checkout', interval: '24h' })],
    fixtures: { checkout: fixture },
  });
  await gate.start();
  await eventually(async () => expect((await gate.get('/readyz')).status).toBe(200));
}

/** Asks for a decision; whether it was answered. */
async function ask(requestId: string): Promise<boolean> {
  const response = await fetch(`${gate.url}/v1/gate/decision`, {
    method: 'POST',
    body: '{"sloID":"checkout"}',
    headers: { 'x-request-id': requestId },
    signal: AbortSignal.timeout(20_000),
  });
  expect(await response.json()).toMatchObject({ decision: 'ALLOW' });
  return response.status === 200;
}

interface RowCounts {
  readonly stored: number;
  readonly waiting: number;
  readonly dropped: number;
}

interface Status {
  readonly audit: { readonly state: string; readonly lastError: string | null; readonly rows: { decision: RowCounts } };
}

async function auditStatus(): Promise<Status['audit']> {
  return ((await gate.get('/v1/status')).body as Status).audit;
}

const storedIds = () =>
  gate.sql(`SELECT j.value FROM served_decisions, json_each(coalesce(request_ids_json, json_array(request_id))) AS j`);

async function metric(line: string): Promise<void> {
  expect((await (await fetch(`${gate.url}/metrics`)).text()).split('\n')).toContain(line);
}

describe.skipIf(lacks('sqlite3'))('decisions that are served by the running server', () => {
  it('are written down to the last one of 10,000, over a restart', async () => {
    await aGate();
    const count = 10_000;
    let next = 0;
    const client = async () => {
      while (next < count) await ask(`r-${next++}`);
    };
    await Promise.all(Array.from({ length: 8 }, client));
    await metric(`aegis_decisions_served_total{decision="ALLOW",forced="false"} ${count}`);
    await eventually(() => metric(`aegis_audit_rows_stored_total{kind="decision"} ${count}`));
    await metric('aegis_audit_rows_dropped_total{kind="decision"} 0');
    await ask('the-last-moment');
    expect(await gate.stop()).toBe(0);
    const ids = storedIds();
    expect(ids).toHaveLength(count + 1);
    expect(new Set(ids).size).toBe(count + 1);
    await gate.start();
    const newest = (await gate.get('/v1/audit/decisions?limit=1')).body;
    expect(newest).toMatchObject({
      records: [{ requestId: 'the-last-moment', sloID: 'checkout', caller: 'anonymous', address: '127.0.0.1' }],
    });
  });

  it('lead to the evidence of their evaluation', async () => {
    await aGate();
    const { evaluationID } = await gate.decide('checkout', true);
    await eventually(async () => {
      const { body } = await gate.get(`/v1/audit/decisions?evaluationID=${evaluationID}`);
      expect(body).toMatchObject({ total: 1, records: [{ evaluationID, forced: true, decision: 'ALLOW' }] });
    });
    expect((await gate.get(`/v1/evaluations/${evaluationID}`)).body).toMatchObject({ decision: 'ALLOW' });
  });

  it('are answered while the database is locked for ten seconds, and written down afterwards', async () => {
    await aGate();
    expect(await ask('before')).toBe(true);
    await eventually(async () => expect((await auditStatus()).rows.decision.stored).toBe(1));
    const operator = openShell(gate.db);
    await operator.run('BEGIN IMMEDIATE;');
    const untilMs = Date.now() + 10_000;
    let served = 0;
    const client = async (name: number) => {
      for (let turn = 0; Date.now() < untilMs; turn++) {
        await ask(`${name}-${turn}`);
        served += 1;
        await wait(5); // some hundreds a second: less than fills the queue
      }
    };
    await Promise.all([0, 1, 2, 3].map(client));
    // The lock has stood all the while: not one row was written, and each decision was answered.
    expect(storedIds()).toEqual(['before']);
    expect(await auditStatus()).toMatchObject({
      state: 'open',
      lastError: 'database is locked',
      rows: { decision: { stored: 1, waiting: served, dropped: 0 } },
    });
    await metric('aegis_audit_database_up 0');
    await operator.run('ROLLBACK;');
    await eventually(async () => expect((await auditStatus()).rows.decision).toMatchObject({ waiting: 0 }));
    expect(new Set(storedIds()).size).toBe(served + 1);
    expect(await auditStatus()).toMatchObject({
      lastError: null,
      rows: { decision: { stored: served + 1, dropped: 0 } },
    });
    await metric('aegis_audit_database_up 1');
  });

  it('are in the file up to some moment before a kill, with nothing missing in between', async () => {
    await aGate();
    let asked = 0;
    for (let round = 0; round < 3; round++) {
      const first = asked;
      let isKilled = false;
      const client = async () => {
        while (!isKilled) {
          await ask(String(asked++)).catch((error: unknown) => {
            if (!isKilled) throw error;
          });
        }
      };
      const asking = client();
      let stored = 0;
      await eventually(async () => {
        stored = (await auditStatus()).rows.decision.stored;
        expect(stored).toBeGreaterThan(100 * (round + 1));
      });
      isKilled = true;
      await gate.kill();
      await asking;
      expect(gate.sql('PRAGMA integrity_check;')).toEqual(['ok']);
      const ids = storedIds()
        .map(Number)
        .filter((id) => id >= first);
      expect(ids.length).toBeGreaterThanOrEqual(stored);
      expect(ids).toEqual(ids.map((_, index) => first + index));
      await gate.start();
    }
  });
});

describe('an order to the running server', () => {
  it('is written down with who gave it, and those who only read may look it up', async () => {
    const file = join(scratch(), 'keys.yaml');
    const { text, tokenOf } = keysFileText({ ops: { scopes: ['admin'] }, auditor: { scopes: ['read'] } });
    writeFileSync(file, text, { mode: 0o600 });
    gate = await createGate({ slos: [sloDocument()], args: ['--api-keys-file', file] });
    await gate.start();
    const as = (name: 'ops' | 'auditor', path: string, init: RequestInit = {}) =>
      fetch(gate.url + path, {
        ...init,
        headers: { authorization: `Bearer ${tokenOf(name)}`, 'x-request-id': 'change-7' },
      });
    const order = { method: 'POST' };
    expect((await as('auditor', '/admin/log-level?level=debug', order)).status).toBe(403);
    expect((await as('ops', '/admin/log-level?level=debug', order)).status).toBe(200);
    await eventually(async () => {
      const answer = await as('auditor', '/v1/audit/orders');
      expect(await answer.json()).toMatchObject({
        total: 1,
        records: [
          {
            order: 'POST /admin/log-level',
            parameters: { level: 'debug' },
            caller: expect.stringContaining('ops') as string,
            address: '127.0.0.1',
            requestId: 'change-7',
          },
        ],
      });
    });
    expect((await fetch(`${gate.url}/v1/audit/orders`)).status).toBe(401);
    expect((await fetch(`${gate.url}/v1/audit/decisions`)).status).toBe(401);
  });
});

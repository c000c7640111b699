import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { createGate, type GateServer } from '../support/gate-server.ts';
import { sloDocument } from '../support/slo.ts';

const healthy = { good: 9995, total: 10_000 };
const fixture = { windows: { '5m': healthy, '1h': healthy, '6h': healthy, '30d': healthy } };
const slos = [sloDocument({ id: 'checkout', interval: '24h' })];

interface Page {
  readonly records: readonly { readonly evaluationID: string; readonly order: string }[];
}

/** Every file of a directory, with its content and when that changed. */
function stateOf(directory: string): readonly string[] {
  return readdirSync(directory)
    .sort()
    .filter((name) => name.startsWith('aegis.db'))
    .map((name) => {
      const { mtimeNs, ino } = statSync(join(directory, name), { bigint: true });
      const hash = createHash('sha256').update(readFileSync(join(directory, name)));
      return `${name} ${hash.digest('hex')} ${ino} ${mtimeNs}`;
    });
}

async function ready(gate: GateServer): Promise<void> {
  await gate.start();
  await eventually(async () => expect((await gate.get('/readyz')).status).toBe(200));
}

interface Health {
  readonly components: Readonly<Record<string, { readonly status: string }>>;
}

/** Components that are not well; a machine that runs many tests may be late, which is not looked at here. */
async function unwell(gate: GateServer): Promise<unknown> {
  const { status, body } = await gate.get('/healthz/comprehensive');
  expect(status).toBe(200);
  const { components } = body as Health;
  expect(components).toHaveProperty('database');
  expect(components).not.toHaveProperty('disk'); // it writes to none
  return Object.entries(components).filter(([name, one]) => one.status !== 'ok' && name !== 'eventLoop');
}

/** An order by the admin socket, which needs no key. */
function order(socketPath: string, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path, method: 'POST' }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    })
      .on('error', reject)
      .end();
  });
}

describe('a replica beside an active server', () => {
  let active: GateServer;
  let replica: GateServer;
  /** Evaluations that the active server has stored. */
  const stored: string[] = [];

  beforeAll(async () => {
    active = await createGate({ slos, fixtures: { checkout: fixture } });
    replica = await createGate({
      ...{ slos, fixtures: { checkout: fixture }, db: active.db },
      args: ['--read-only', '--admin-socket', join(active.directory, 'admin.sock')],
    });
    await ready(active);
    for (let n = 0; n < 3; n++) {
      const { evaluationID, audited } = await active.decide('checkout', true);
      expect(audited).toBe(true);
      stored.push(evaluationID);
    }
    await ready(replica);
  });
  afterAll(async () => {
    await replica.remove();
    await active.remove();
  });

  /** What the replica reads of the active server's audit is all of it, and leaves no trace in its directory. */
  async function readsAllAndTouchesNothing(): Promise<void> {
    const before = stateOf(active.directory);
    for (const id of stored) expect(await replica.get(`/v1/evaluations/${id}`)).toMatchObject({ status: 200 });
    const page = await replica.get('/v1/audit?limit=1000');
    const ids = (page.body as Page).records.map(({ evaluationID }) => evaluationID);
    expect(ids).toEqual(expect.arrayContaining(stored));
    expect(await replica.get('/v1/audit/decisions')).toMatchObject({ status: 200 });
    expect(await replica.get('/v1/evaluations/no-such-id')).toMatchObject({ status: 404 });
    const own = await replica.decide('checkout', true);
    expect(own).toMatchObject({ decision: 'ALLOW', audited: false });
    expect(ids).not.toContain(own.evaluationID);
    expect(stateOf(active.directory)).toEqual(before);
  }

  /** Each ten seconds a commit is written back at once; the one after it stays in the log for a while. */
  async function leavesRowsInItsLog(): Promise<void> {
    await eventually(async () => {
      stored.push((await active.decide('checkout', true)).evaluationID);
      expect(statSync(`${active.db}-wal`).size).toBeGreaterThan(0);
    });
  }

  it('says what it is', async () => {
    expect(await active.get('/readyz')).toMatchObject({ body: { ready: true, role: 'active' } });
    expect(await replica.get('/readyz')).toMatchObject({ body: { ready: true, role: 'replica' } });
    expect((await replica.get('/v1/status')).body).toMatchObject({
      role: 'replica',
      audit: { state: 'read-only', rows: { evaluation: { stored: 0, waiting: 0, dropped: 0 } }, lastError: null },
    });
  });

  it('raises no alarm', async () => {
    await replica.decide('checkout', true);
    const metrics = async (gate: GateServer) => (await (await fetch(`${gate.url}/metrics`)).text()).split('\n');
    expect(await metrics(active)).toEqual(expect.arrayContaining(['aegis_read_only 0', 'aegis_audit_database_up 1']));
    const lines = await metrics(replica);
    expect(lines).toContain('aegis_read_only 1');
    // Alerts on a database that is down, full or grows find no number here.
    expect(lines.filter((line) => /^aegis_(audit_database|disk)_\w+ [^N]/.test(line))).toEqual([]);
    for (const kind of ['evaluation', 'decision', 'order']) {
      expect(lines).toContain(`aegis_audit_rows_waiting{kind="${kind}"} 0`);
    }
    await eventually(async () => expect(await unwell(replica)).toEqual([]));
  });

  it('reads the audit beside the running server, by way of its log', async () => {
    await leavesRowsInItsLog();
    active.process().kill('SIGSTOP'); // so that whatever changes in its directory is the replica's doing
    try {
      await readsAllAndTouchesNothing();
    } finally {
      active.process().kill('SIGCONT');
    }
  });

  it('takes orders, which are in its log and in no audit', async () => {
    expect(await order(join(active.directory, 'admin.sock'), '/admin/reload')).toBe(200);
    await eventually(() =>
      expect(replica.lines()).toContainEqual(
        expect.objectContaining({ message: 'order', order: 'POST /admin/reload', caller: 'admin-socket' }),
      ),
    );
    expect((await replica.get('/v1/audit/orders')).body).toMatchObject({ records: [] });
  });

  it('writes down in its log what it answered', async () => {
    const { evaluationID } = await replica.decide('checkout');
    await eventually(() =>
      expect(replica.lines()).toContainEqual(
        expect.objectContaining({ message: 'request', evaluation_id: evaluationID, decision: 'ALLOW' }),
      ),
    );
  });

  it('reads the audit of a server that was killed', async () => {
    await active.kill();
    await readsAllAndTouchesNothing();
  });

  it('does not keep the active server from leaving one file, and reads that', async () => {
    await ready(active);
    for (const id of stored) expect(await replica.get(`/v1/evaluations/${id}`)).toMatchObject({ status: 200 });
    expect(await active.stop()).toBe(0);
    expect(existsSync(`${active.db}-wal`)).toBe(false);
    expect(existsSync(`${active.db}-shm`)).toBe(false);
    await readsAllAndTouchesNothing();
  });

  it('says that rows wait in a log whose index is gone', async () => {
    await ready(active);
    await leavesRowsInItsLog();
    await active.kill();
    renameSync(`${active.db}-shm`, `${active.db}-gone`);
    expect(await replica.get('/v1/audit')).toMatchObject({
      status: 503,
      body: { code: 'audit_unavailable', error: expect.stringContaining('rows wait in its -wal') as string },
    });
    renameSync(`${active.db}-gone`, `${active.db}-shm`);
  });
});

describe('a replica alone', () => {
  let replica: GateServer;
  beforeAll(async () => {
    replica = await createGate({ slos, fixtures: { checkout: fixture }, args: ['--read-only'] });
    await ready(replica);
  });
  afterAll(() => replica.remove());

  it('decides, makes no database, and says that there is none to read', async () => {
    expect(await replica.decide('checkout', true)).toMatchObject({ decision: 'ALLOW', audited: false });
    const { evaluationID } = await replica.decide('checkout');
    // What it has in memory can be explained all the same.
    expect(await replica.get(`/v1/evaluations/${evaluationID}`)).toMatchObject({ status: 200 });
    for (const path of ['/v1/audit', '/v1/audit/decisions', '/v1/evaluations/of-another']) {
      const answer = await replica.get(path);
      expect(answer).toMatchObject({ status: 503, body: { code: 'audit_unavailable' } });
      expect((answer.body as { error: string }).error).toMatch(
        /of the active server cannot be read now: there is no such file/,
      );
    }
    expect(readdirSync(replica.directory).filter((name) => name.startsWith('aegis.db'))).toEqual([]);
    await eventually(async () => expect(await unwell(replica)).toEqual([]));
    expect(await replica.stop()).toBe(0);
  });
});

import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { createGate, type GateOptions, type GateServer } from '../support/gate-server.ts';
import { describeWithPrometheus, startPrometheus, type TestPrometheus } from '../support/prometheus.ts';
import { lacks } from '../support/services.ts';
import { openShell } from '../support/sqlite3-session.ts';
import { requestSeries, subject } from './faults/service.ts';

interface Component {
  readonly status: string;
  readonly since: string;
  readonly message: string;
  readonly lastError: string | null;
  readonly latencyMs?: number | null;
  readonly details: Readonly<Record<string, unknown>>;
}

interface Report {
  readonly status: string;
  readonly components: Readonly<Record<string, Component>>;
}

const slo = subject('healthy', { name: 'shop', source: 'well', intervalSeconds: 1, stalenessLimit: '1h' });

let gate: GateServer;
afterEach(() => gate.remove());

async function started(options: GateOptions): Promise<void> {
  gate = await createGate(options);
  await gate.start();
}

async function report(): Promise<Report & { readonly code: number }> {
  const { status, body } = await gate.get('/healthz/comprehensive');
  return { ...(body as Report), code: status };
}

/** Waits until a component has this status. */
function until(name: string, status: string): Promise<Report & Component & { readonly code: number }> {
  return eventually(async () => {
    const all = await report();
    const one = all.components[name];
    // Before the first request or commit it is well, too, and has no latency.
    const isKnown = status !== 'ok' || one?.latencyMs !== null;
    if (one?.status !== status || !isKnown) throw new Error(`${name} is ${JSON.stringify(one)}`);
    return { ...all, ...one, status: all.status };
  });
}

describeWithPrometheus('/healthz/comprehensive', () => {
  let prometheus: TestPrometheus;
  beforeAll(async () => {
    prometheus = await startPrometheus({ series: requestSeries('well') });
  });
  afterAll(() => prometheus.stop());

  it('tells that Prometheus died, why, since when and what helps, and that it is back', async () => {
    await started({ slos: [slo], prometheusUrl: prometheus.url });
    await gate.waitFor('shop.healthy', 'ALLOW');
    const well = await until('prometheus', 'ok');
    expect(well.details).toMatchObject({ circuitBreaker: 'closed', slosUnanswered: 0 });
    expect(well.latencyMs).toBeGreaterThanOrEqual(0);
    expect(Object.keys(well.components)).toEqual([
      ...['sloFiles', 'prometheus', 'scheduler', 'database', 'disk', 'eventLoop'],
    ]);

    const killedAtMs = Date.now();
    await prometheus.kill();
    const dead = await until('prometheus', 'down');
    expect([dead.code, dead.status]).toEqual([503, 'down']);
    expect(dead.lastError).toMatch(/^unreachable: connection (refused|closed)/);
    expect(dead.message).toContain('no decision is ALLOW');
    expect(Date.parse(dead.since)).toBeGreaterThanOrEqual(killedAtMs);
    expect(dead.components.database?.status).toBe('ok');
    // It goes on to be down since then.
    await gate.decide('shop.healthy', true);
    expect((await until('prometheus', 'down')).since).toBe(dead.since);

    await prometheus.restart();
    const back = await until('prometheus', 'ok');
    expect(Date.parse(back.since)).toBeGreaterThan(Date.parse(dead.since));
    expect(back).toMatchObject({ lastError: null });
  });
});

describe('/healthz/comprehensive, without Prometheus', () => {
  const id = 'api-availability';
  const synthetic: GateOptions = { slos: [subjectOf(id)], fixtures: { [id]: healthyFixture() } };

  it.skipIf(lacks('sqlite3'))(
    'a database that another process has locked is degraded, and decisions go on',
    async () => {
      await started(synthetic);
      await gate.waitFor(id, 'ALLOW');
      expect((await until('database', 'ok')).latencyMs).toBeGreaterThanOrEqual(0);
      const operator = openShell(gate.db);
      await operator.run('BEGIN IMMEDIATE;');
      const locked = await until('database', 'degraded');
      expect(locked).toMatchObject({ code: 200, lastError: 'database is locked' });
      expect(locked.details.rowsWaiting).toBeGreaterThan(0);
      expect((await gate.decide(id)).decision).toBe('ALLOW');
      await operator.run('ROLLBACK;');
      expect(await until('database', 'ok')).toMatchObject({ lastError: null });
      await operator.kill();
    },
  );

  it('an emptied directory is degraded, as its SLOs are kept; after a restart nothing is loaded', async () => {
    await started(synthetic);
    await until('sloFiles', 'ok');
    for (const name of await readdir(gate.sloDir)) await rm(join(gate.sloDir, name));
    const kept = await until('sloFiles', 'degraded');
    expect(kept).toMatchObject({ code: 200, details: { loaded: 1 } });
    await gate.stop();
    await gate.start();
    const empty = await until('sloFiles', 'down');
    expect(empty).toMatchObject({ code: 503, status: 'down' });
    expect(empty.message).toContain('no SLO is loaded');
  });

  it('a file that does not load is named', async () => {
    await started({ ...synthetic, files: { 'bad.yaml': 'kind: [' } });
    const found = await until('sloFiles', 'degraded');
    expect(found.message).toContain('bad.yaml');
    expect(found.lastError).toContain('bad.yaml: ');
  });

  it('/metrics/system has numbers of the process and its machine', async () => {
    await started(synthetic);
    const answer = await eventually(async () => {
      const { body } = await gate.get('/metrics/system');
      expect(body).toMatchObject({ disk: { freeBytes: expect.any(Number) as number } });
      return body;
    });
    const number: unknown = expect.any(Number);
    expect(answer).toEqual({
      startedAt: expect.stringMatching(/Z$/) as unknown,
      uptimeSeconds: number,
      cpu: {
        ...{ userSeconds: number, systemSeconds: number, intervalSeconds: number, cores: number },
        percent: expect.toSatisfy((value) => value === null || typeof value === 'number') as unknown,
        loadAverage: [number, number, number],
      },
      memory: {
        ...{ rssBytes: number, heapUsedBytes: number, heapTotalBytes: number, externalBytes: number },
        limitBytes: number,
      },
      fileDescriptors: expect.toSatisfy(
        ({ open, limit }: Record<string, unknown>) => process.platform !== 'linux' || (open !== 0 && limit !== 0),
      ) as unknown,
      disk: { freeBytes: number, sizeBytes: number, databaseBytes: number },
    });
  });
});

function subjectOf(name: string) {
  return { ...slo, metadata: { ...slo.metadata, id: name } };
}

function healthyFixture() {
  const window = { good: 9_999, total: 10_000 };
  return { windows: Object.fromEntries(['2m', '10m', '30m', '1h'].map((name) => [name, window])) };
}

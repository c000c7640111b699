import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { createGate, type GateServer } from '../support/gate-server.ts';
import { allScenarios } from '../support/metric-scenarios.ts';
import { describeWithPrometheus, startPrometheus, type TestPrometheus } from '../support/prometheus.ts';
import { scenarioSlo } from '../support/scenario-slo.ts';

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const reading = 'read-only';
const ordering = 'ops';

/** The runbooks' orders, in the words in which an operator gives them, against the server on a real Prometheus. */
describeWithPrometheus('orders to a running server', () => {
  let prometheus: TestPrometheus;
  let gate: GateServer;
  const tokens = new Map<string, string>();
  beforeAll(async () => {
    const scenarios = new Set(['healthy', 'fast-burn']);
    prometheus = await startPrometheus({
      series: allScenarios().filter(({ labels }) => scenarios.has(labels.scenario ?? '')),
    });
    gate = await createGate({
      prometheusUrl: prometheus.url,
      // A BLOCK is held for two intervals.
      slos: [scenarioSlo('healthy', { interval: '1s' }), scenarioSlo('fast-burn', { interval: '1m' })],
      args: ['--api-keys-file', 'keys.yaml', '--admin-socket', 'admin.sock'],
    });
    for (const [id, scope] of [
      [ordering, 'admin'],
      [reading, 'read'],
    ] as const) {
      const words = ['keys', 'create', '--file', 'keys.yaml', '--id', id, '--scope', scope];
      const printed = execFileSync(process.execPath, [cli, ...words], { cwd: gate.directory, stdio: 'pipe' });
      tokens.set(id, printed.toString().trim());
    }
    await gate.start();
  });
  afterAll(async () => {
    await gate.remove();
    await prometheus.stop();
  });

  async function ask(path: string, id: string, init: RequestInit = {}): Promise<{ status: number; body: unknown }> {
    const headers = { authorization: `Bearer ${tokens.get(id) ?? ''}` };
    const response = await fetch(gate.url + path, { ...init, headers, signal: AbortSignal.timeout(20_000) });
    return { status: response.status, body: await response.json() };
  }

  async function order(path: string): Promise<unknown> {
    const { status, body } = await ask(`/admin/${path}`, ordering, { method: 'POST' });
    expect(status, JSON.stringify(body)).toBe(200);
    return body;
  }

  async function decision(sloID: string, forceFresh = false) {
    const init = { method: 'POST', body: JSON.stringify({ sloID, forceFresh }) };
    return (await ask('/v1/gate/decision', ordering, init)).body as { decision: string; reasons: string[] };
  }

  const becomes = (sloID: string, wanted: string) =>
    eventually(async () => {
      const answer = await decision(sloID);
      expect(answer.decision, answer.reasons.join('; ')).toBe(wanted);
      return answer;
    });

  it('a tripped breaker is WARN from that moment, keeps a known BLOCK, and ends by a reset', async () => {
    await becomes('healthy', 'ALLOW');
    await becomes('fast-burn', 'BLOCK');
    await order('circuit-breaker/trip?service=prometheus');
    const tripped = await decision('healthy');
    expect(tripped.decision).toBe('WARN');
    expect(tripped.reasons.join()).toContain('circuit open: tripped by an operator');
    expect((await decision('healthy', true)).decision).toBe('WARN');
    expect((await decision('fast-burn')).decision).toBe('BLOCK');
    expect((await ask('/admin/circuit-breaker/status', ordering)).body).toMatchObject({
      breakers: [{ service: 'prometheus', state: 'tripped' }],
    });
    await order('circuit-breaker/reset?service=prometheus');
    await becomes('healthy', 'ALLOW');
  });

  it('a rate limit holds at once, for one client and not for another, and is lifted', async () => {
    await order('rate-limit?ops_per_sec=0.01');
    await eventually(async () => expect((await ask('/v1/slo', reading)).status).toBe(429));
    expect((await fetch(`${gate.url}/healthz`)).status).toBe(200);
    await order('rate-limit?ops_per_sec=0');
    expect((await ask('/v1/slo', reading)).status).toBe(200);
  });

  it('draining is 503 at /readyz while decisions are served, until it ends', async () => {
    const ready = async () => (await fetch(`${gate.url}/readyz`)).status;
    await eventually(async () => expect(await ready()).toBe(200));
    await order('drain');
    expect(await ready()).toBe(503);
    const why = ['draining by an order, which DELETE /admin/drain ends'];
    expect((await gate.get('/readyz')).body).toMatchObject({ ready: false, reasons: why });
    expect((await decision('fast-burn')).decision).toBe('BLOCK');
    expect((await ask('/admin/drain', ordering, { method: 'DELETE' })).status).toBe(200);
    expect(await ready()).toBe(200);
  });

  it('a log level is that of the next line', async () => {
    await order('log-level?level=debug');
    await eventually(() => expect(gate.log()).toContain('"level":"debug"'));
    await order('log-level?level=error');
    await eventually(() => expect(gate.log()).toContain('log level error')); // which silences the lines that tell of orders
    await order('log-level?level=info');
  });

  it('are taken on the admin socket without a key, as curl gives them', () => {
    const words = ['-s', '-X', 'POST', '--unix-socket', 'admin.sock', 'http://aegis/admin/reload'];
    const answer = execFileSync('curl', words, { cwd: gate.directory, encoding: 'utf8' });
    expect(JSON.parse(answer)).toMatchObject({ slos: { outcome: 'ok' }, settings: { error: null } });
  });

  it('are refused to who may only read, and are all written down with who gave them', async () => {
    expect((await ask('/admin/reload', reading, { method: 'POST' })).status).toBe(403);
    const records = await eventually(async () => {
      const { body } = await ask('/v1/audit/orders?limit=100', reading);
      const { records } = body as { records: { order: string; caller: string }[] };
      expect(records.length).toBe(10);
      return records;
    });
    expect(records.map(({ order, caller }) => `${caller} ${order}`).reverse()).toEqual([
      'ops POST /admin/circuit-breaker/trip',
      'ops POST /admin/circuit-breaker/reset',
      'ops POST /admin/rate-limit',
      'ops POST /admin/rate-limit',
      'ops POST /admin/drain',
      'ops DELETE /admin/drain',
      'ops POST /admin/log-level',
      'ops POST /admin/log-level',
      'ops POST /admin/log-level',
      'admin-socket POST /admin/reload',
    ]);
  });
});

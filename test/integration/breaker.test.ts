import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy.ts';
import { createGate, type Answer, type GateServer } from '../support/gate-server.ts';
import { keysFileText } from '../support/keyed-access.ts';
import { describeWithPrometheus, startPrometheus, type TestPrometheus } from '../support/prometheus.ts';
import { lateRecovery, storms } from './faults/claims.ts';
import { storyOf, untilSeen, untilWell, wellAnswers } from './faults/episode.ts';
import { requestSeries, subject } from './faults/service.ts';
import { watch } from './faults/watch.ts';

const fleet = Array.from({ length: 20 }, (_, index) => `fleet-${index}`);
const sloOf = (health: 'healthy' | 'burning', name: string, intervalSeconds: number) =>
  subject(health, { name, source: 'well', intervalSeconds, stalenessLimit: '1h' });
const isProbe = ({ parameters }: { parameters: URLSearchParams }) => parameters.get('query') === 'vector(1)';

describeWithPrometheus('the circuit breaker in front of Prometheus', () => {
  let prometheus: TestPrometheus;
  let proxy: FaultProxy;
  let gate: GateServer | undefined;
  let directory: string;
  beforeAll(async () => {
    prometheus = await startPrometheus({ series: requestSeries('well') });
    proxy = await startFaultProxy(prometheus.url);
    directory = await mkdtemp(join(tmpdir(), 'aegis-breaker-'));
  });
  afterEach(async () => {
    await gate?.remove();
    await proxy.set('pass');
  });
  afterAll(async () => {
    await proxy.close();
    await prometheus.stop();
    await rm(directory, { recursive: true });
  });

  /** A gate that takes orders, and whoever gives them. */
  async function commanded() {
    const keysFile = join(directory, 'keys.json');
    const { text, tokenOf } = keysFileText({ oncall: { scopes: ['admin'] } });
    await writeFile(keysFile, text, { mode: 0o600 });
    const running = await createGate({
      slos: [sloOf('healthy', 'shop', 300), sloOf('burning', 'shop', 300)],
      prometheusUrl: proxy.url,
      args: ['--api-keys-file', keysFile],
    });
    gate = running;
    await running.start();
    const ask = async (method: string, path: string, body?: unknown) => {
      const response = await fetch(running.url + path, {
        ...{ method, headers: { 'x-api-key': tokenOf('oncall') }, signal: AbortSignal.timeout(20_000) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return { status: response.status, text: await response.text() };
    };
    const decide = async (sloID: string, forceFresh = false) => {
      const { text: answer } = await ask('POST', '/v1/gate/decision', { sloID, forceFresh });
      return JSON.parse(answer) as Answer;
    };
    const order = (action: 'trip' | 'reset') => ask('POST', `/admin/circuit-breaker/${action}?service=prometheus`);
    return { ask, decide, order };
  }

  it('tripped: WARN at once though the latest ALLOW is young, a BLOCK is held, no query is sent; reset: as before', async () => {
    const { ask, decide, order } = await commanded();
    await eventually(async () => {
      const decisions = [await decide('shop.healthy'), await decide('shop.burning')].map((one) => one.decision);
      expect(decisions).toEqual(['ALLOW', 'BLOCK']);
    });
    await proxy.set('silent'); // a forced evaluation that is under way when the order comes
    const [hanging, burning] = [decide('shop.healthy', true), decide('shop.burning')];
    await eventually(() => expect(proxy.seen.some(({ struckBy }) => struckBy === 'silent')).toBe(true));
    expect((await burning).decision).toBe('BLOCK');

    const tripped = await order('trip');
    proxy.forget();
    expect(JSON.parse(tripped.text)).toMatchObject({ service: 'prometheus', state: 'tripped' });
    const after = [await decide('shop.healthy'), await hanging, await decide('shop.healthy', true)];
    for (const answer of after) {
      expect(answer).toMatchObject({ decision: 'WARN', reasonCodes: ['query_failed'] });
      expect(answer.reasons.join()).toContain('unreachable: circuit open: tripped by an operator');
    }
    for (const answer of [await decide('shop.burning'), await decide('shop.burning', true)]) {
      expect(answer).toMatchObject({ decision: 'BLOCK' });
      expect(new Set(answer.reasonCodes)).toEqual(new Set(['query_failed', 'held']));
    }
    const status = JSON.parse((await ask('GET', '/admin/circuit-breaker/status')).text) as unknown;
    expect(status).toMatchObject({ breakers: [{ service: 'prometheus', state: 'tripped' }] });
    const health = await ask('GET', '/healthz/comprehensive');
    expect(health.status).toBe(503);
    expect((await ask('GET', '/metrics')).text).toContain(
      'aegis_circuit_breaker_state{service="prometheus",state="tripped"} 1',
    );
    expect(proxy.seen).toEqual([]);

    await proxy.set('pass');
    await order('reset');
    await eventually(async () => expect((await decide('shop.healthy')).decision).toBe('ALLOW'));
    await eventually(async () => expect((await decide('shop.burning')).reasonCodes).toContain('rule_triggered'));
    const orders = (await ask('GET', '/v1/audit/orders')).text;
    for (const action of ['trip', 'reset']) expect(orders).toContain(`/admin/circuit-breaker/${action}`);
    expect(gate?.log()).toContain('circuit breaker tripped by an operator');
    expect(gate?.log()).toContain('circuit breaker reset by an operator');
  });

  it('opens by itself before twenty SLOs a second, probes, and ALLOW is back within two intervals', async () => {
    const running = await createGate({
      slos: fleet.map((name) => sloOf('healthy', name, 1)),
      prometheusUrl: proxy.url,
    });
    gate = running;
    await running.start();
    const ids = fleet.map((name) => `${name}.healthy`);
    const watched = watch(running, ids);
    await untilWell(watched, ids, 0);
    proxy.forget();

    await proxy.set('reset');
    await eventually(async () => {
      const { body } = await running.get('/healthz/comprehensive');
      expect(body).toMatchObject({ components: { prometheus: { status: 'down' } } });
    });
    const openAtMs = Date.now();
    await untilSeen(watched, ids, openAtMs + 5_000);
    const whileOpen = proxy.seen.filter(({ atMs }) => atMs >= openAtMs && atMs < openAtMs + 5_000);
    // Two probes a second, and one evaluation in five seconds, with its repetitions.
    expect(whileOpen.filter(isProbe).length).toBeGreaterThanOrEqual(5);
    expect(whileOpen.length).toBeLessThanOrEqual(5 * 5);
    expect(storms(proxy.seen, ids.length, 1_000)).toEqual([]);
    for (const id of ids) {
      expect(watched.of(id).at(-1)?.answer.reasons.join()).toMatch(/circuit open: |connection closed/);
    }

    await proxy.set('pass');
    const wellFromMs = Date.now();
    await untilWell(watched, ids, wellFromMs);
    await watched.stop();
    for (const id of ids) {
      expect(lateRecovery(await storyOf(running, watched, id), wellFromMs, wellAnswers.healthy)).toEqual([]);
    }
    expect(running.log()).toMatch(/circuit breaker open: Prometheus answers nothing \(connection closed/);
    await eventually(() => expect(running.log()).toContain('circuit breaker closed: Prometheus answers again'));
  });

  it('stays closed though the queries of two SLOs of three get no answer', async () => {
    const names = ['heavy', 'heavier', 'light'];
    const running = await createGate({
      slos: names.map((name) => sloOf('healthy', name, 1)),
      prometheusUrl: proxy.url,
      args: ['--prometheus-timeout', '500ms', '--prometheus-concurrency', '2'],
    });
    gate = running;
    await running.start();
    await proxy.setEach(['heavy', 'heavier'].map((name) => ({ about: `${name}.healthy`, fault: 'silent' })));
    for (const name of ['heavy', 'heavier']) await running.waitFor(`${name}.healthy`, 'WARN');
    // Long enough for many rounds of both.
    const watched = watch(
      running,
      names.map((name) => `${name}.healthy`),
    );
    await untilSeen(
      watched,
      names.map((name) => `${name}.healthy`),
      Date.now() + 6_000,
    );
    await watched.stop();
    expect(running.log()).not.toContain('circuit breaker open');
    expect(running.log()).not.toContain('circuit open');
    await running.waitFor('light.healthy', 'ALLOW');
  });
});

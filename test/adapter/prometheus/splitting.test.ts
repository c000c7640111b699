import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Measurement } from '../../../src/eval/measurement.ts';
import type { SeenRequest } from '../../support/fault-proxy.ts';
import { describeWithPrometheus, startPrometheus, type TestPrometheus } from '../../support/prometheus.ts';
import { scenarioSlo, startBench, type Bench } from './under-fault.ts';

const hourMs = 3_600_000;

describeWithPrometheus('a union that the source does not answer', () => {
  let prometheus: TestPrometheus;
  let bench: Bench;
  beforeAll(async () => {
    prometheus = await startPrometheus();
  });
  afterAll(() => prometheus.stop());
  beforeEach(async () => {
    bench = await startBench(prometheus.url);
  });
  afterEach(() => bench.close());

  const slo = scenarioSlo('healthy');
  const asks = (window: string) => (seen: SeenRequest) =>
    seen.parameters.get('query')?.includes(`"total:${window}"`) === true;
  const isUnion = (seen: SeenRequest) => ['30d', '5m'].every((window) => asks(window)(seen));
  const states = ({ windows }: Measurement) =>
    Object.fromEntries(windows.map(({ window, state }) => [window.name, state]));
  const timingOut = async () => {
    await bench.close();
    bench = await startBench(prometheus.url, { timeoutMs: 4_000 });
  };
  /** Not the trivial query of the circuit breaker: here it is the queries that fail, and it stays closed. */
  const isQuery = ({ parameters }: SeenRequest) => parameters.get('query') !== 'vector(1)';
  /** Measures, and says how many requests that took. */
  const counted = async () => {
    bench.proxy.forget();
    const measurement = await bench.measure(slo);
    return { measurement, requests: bench.proxy.seen.filter(isQuery).length };
  };
  const allOk = { '30d': 'ok', '5m': 'ok', '1h': 'ok', '6h': 'ok' };

  it('is split by window; what fails alone goes alone, and the whole is tried again after an hour', async () => {
    await bench.proxy.set('http-422', { when: asks('30d') });
    const first = await counted();
    expect(states(first.measurement)).toEqual({ ...allOk, '30d': 'failed' });
    expect(first.measurement.windows[0]).toMatchObject({ failure: { reason: 'bad-query', attempts: 2 } });
    expect(first.measurement.freshness.state).toBe('ok');
    expect(first.requests).toBe(6);
    // The union of the rest, and 30d by itself.
    const second = await counted();
    expect(states(second.measurement)).toEqual({ ...allOk, '30d': 'failed' });
    expect(second.measurement.windows[0]).toMatchObject({ failure: { attempts: 1 } });
    expect(second.requests).toBe(2);
    await bench.proxy.set('pass');
    const repaired = await counted();
    expect(states(repaired.measurement)).toEqual(allOk);
    expect(repaired.requests).toBe(2);
    bench.advance(hourMs);
    expect((await counted()).requests).toBe(1);
  });

  it('asks good and total of a window together, and the checks by themselves', async () => {
    await bench.proxy.set('http-500', { when: isUnion });
    await counted();
    const tags = bench.proxy.seen
      .slice(1)
      .map(({ parameters }) => [...(parameters.get('query') ?? '').matchAll(/"([^"]+)","__aegis_part__",/g)])
      .map((found) => found.map(([, tag]) => tag));
    expect(tags).toHaveLength(5);
    // They are asked at once, so they may come in any order.
    for (const window of ['30d', '5m', '1h', '6h']) expect(tags).toContainEqual([`good:${window}`, `total:${window}`]);
    expect(tags).toContainEqual(['age:0', 'recent:0', 'points:0', 'covered']);
    const instants = new Set(bench.proxy.seen.map(({ parameters }) => parameters.get('time')));
    expect(instants.size).toBe(1);
  });

  it('is split once where all parts fail too, and then goes alone until it succeeds', async () => {
    await bench.proxy.set('http-503', { when: isQuery });
    expect((await counted()).requests).toBe(6);
    for (let evaluation = 0; evaluation < 3; evaluation++) {
      const { measurement, requests } = await counted();
      expect(requests).toBe(1);
      expect(measurement.windows[0]).toMatchObject({ state: 'failed', failure: { reason: 'server' } });
    }
    await bench.proxy.set('pass');
    expect((await counted()).requests).toBe(1);
    await bench.proxy.set('http-503', { when: isQuery });
    expect((await counted()).requests).toBe(6);
  });

  it('leads to nothing where its parts succeed once: it was a moment of the source', async () => {
    await bench.proxy.set('http-503', { when: (_, index) => index === 0 });
    const { measurement, requests } = await counted();
    expect(states(measurement)).toEqual(allOk);
    expect(requests).toBe(6);
    expect((await counted()).requests).toBe(1);
  });

  it('gives up its longest window first where it is too much for the source as a whole', async () => {
    const parts = (seen: SeenRequest) => ['30d', '6h'].every((window) => asks(window)(seen));
    await bench.proxy.set('http-422', { when: parts });
    expect((await counted()).requests).toBe(6);
    const { measurement, requests } = await counted();
    expect(states(measurement)).toEqual(allOk);
    expect(requests).toBe(2);
  });

  it('is split by the next evaluation, once, after it got no answer in time', async () => {
    await timingOut();
    await bench.proxy.set('silent', { when: asks('30d') });
    const first = await counted();
    expect(states(first.measurement)).toEqual({ '30d': 'failed', '5m': 'failed', '1h': 'failed', '6h': 'failed' });
    expect(first.requests).toBe(1);
    const second = await counted();
    expect(states(second.measurement)).toEqual({ ...allOk, '30d': 'failed' });
    expect(second.measurement.windows[0]).toMatchObject({ failure: { reason: 'timeout', attempts: 1 } });
    expect(second.requests).toBe(5);
    expect((await counted()).requests).toBe(2);
  });

  it('is asked as one again after all of its parts got no answer in time', async () => {
    await timingOut();
    await bench.proxy.set('silent', { when: isQuery });
    expect((await counted()).requests).toBe(1);
    expect((await counted()).requests).toBe(5);
    expect((await counted()).requests).toBe(1);
    expect((await counted()).requests).toBe(1);
    await bench.proxy.set('pass');
    const healed = await counted();
    expect(states(healed.measurement)).toEqual(allOk);
    expect(healed.requests).toBe(1);
  });

  it('is split where a part of its answer is malformed', async () => {
    await bench.proxy.set('number-value', { when: isUnion });
    const { measurement, requests } = await counted();
    expect(states(measurement)).toEqual(allOk);
    expect(requests).toBe(6);
  });

  it('is repeated once after a failure of the network', async () => {
    await bench.proxy.set('reset', { when: (_, index) => index === 0 });
    const { measurement, requests } = await counted();
    expect(states(measurement)).toEqual(allOk);
    expect(requests).toBe(2);
  });

  it.each(['http-500', 'reset', 'html', 'truncated'] as const)(
    'is measured though every second request is %s',
    async (fault) => {
      await bench.proxy.set(fault, { when: (_, index) => index % 2 === 0 });
      for (let evaluation = 0; evaluation < 4; evaluation++) {
        const { decision, measurement } = await bench.decided(slo);
        const failed = measurement.windows.some(({ state }) => state === 'failed');
        if (failed || measurement.freshness.state !== 'ok') expect(decision).toBe('WARN');
      }
      await bench.proxy.set('pass');
      expect((await bench.decided(slo)).decision).toBe('ALLOW');
    },
  );

  it.each(['http-401', 'http-404', 'http-429', 'redirect-loop', 'gzip-bomb'] as const)(
    'is not asked a second time after %s',
    async (fault) => {
      await bench.proxy.set(fault);
      expect((await counted()).requests).toBe(1);
    },
  );

  it('is asked once where one attempt is all that is allowed', async () => {
    const once = await startBench(prometheus.url, { attempts: 1 });
    await once.proxy.set('http-503');
    const { windows } = await once.measure(slo);
    expect(windows[0]).toMatchObject({ failure: { attempts: 1 } });
    expect(once.proxy.seen).toHaveLength(1);
    await once.close();
  });

  it('never makes a storm of a fault: four times the healthy requests, and fifty in ten seconds', async () => {
    await bench.proxy.set('http-503', { when: isQuery });
    const slos = Array.from({ length: 40 }, (_, index) => ({ ...slo, id: `healthy-${index}` }));
    await Promise.all(slos.map((one) => bench.measure(one)));
    await Promise.all(slos.map((one) => bench.measure(one)));
    expect(bench.proxy.seen.length).toBeGreaterThan(100);
    // Two evaluations of each: at most twice the healthy ones, when failed evaluations are repeated.
    expect(bench.proxy.seen.length).toBeLessThanOrEqual(4 * 40 + 50);
  });

  it('is forgotten when the queries of the SLO change', async () => {
    await bench.proxy.set('http-422', { when: asks('30d') });
    await counted();
    await bench.proxy.set('pass');
    expect((await counted()).requests).toBe(2);
    const changed = scenarioSlo('healthy', {
      good: 'sum(rate(http_requests_total{scenario="healthy",status="200"}[{{window}}]))',
    });
    bench.proxy.forget();
    await bench.measure(changed);
    expect(bench.proxy.seen).toHaveLength(1);
  });
});

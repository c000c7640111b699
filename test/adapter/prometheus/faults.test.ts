import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { FailureReason } from '../../../src/eval/measurement.ts';
import { eventually } from '../../support/eventually.ts';
import type { Fault } from '../../support/faults.ts';
import { describeWithPrometheus, startPrometheus, type TestPrometheus } from '../../support/prometheus.ts';
import { scenarioSlo, startBench, type Bench } from './under-fault.ts';

describeWithPrometheus('the Prometheus adapter under faults', () => {
  let prometheus: TestPrometheus;
  let bench: Bench;
  beforeAll(async () => {
    prometheus = await startPrometheus();
  });
  afterAll(() => prometheus.stop());
  beforeEach(async () => {
    bench = await startBench(prometheus.url);
  });
  /** Faults that are timeouts have a short one. */
  const timingOut = async () => {
    await bench.close();
    bench = await startBench(prometheus.url, { timeoutMs: 2_000 });
  };
  afterEach(() => bench.close());

  const slo = scenarioSlo('healthy');

  const failing: readonly (readonly [Fault, FailureReason, string])[] = [
    ['refuse', 'unreachable', 'connection refused (127.0.0.1:'],
    ['reset', 'unreachable', 'connection closed'],
    ['truncated', 'unreachable', 'in the middle of the answer'],
    ['silent', 'timeout', 'no answer within 2s'],
    ['trickle', 'timeout', 'no answer within 2s'],
    ['endless', 'malformed', 'exceeds 10 MB'],
    ['gzip-bomb', 'malformed', 'exceeds 10 MB'],
    ['http-400', 'bad-query', 'HTTP 400 Bad Request'],
    ['http-401', 'auth', 'HTTP 401 Unauthorized'],
    ['http-403', 'auth', 'HTTP 403 Forbidden'],
    ['http-404', 'server', 'HTTP 404 Not Found'],
    ['http-405', 'server', 'HTTP 405 Method Not Allowed'],
    ['http-422', 'bad-query', 'HTTP 422 Unprocessable Entity'],
    ['http-429', 'rate-limited', 'HTTP 429 Too Many Requests'],
    ['http-500', 'server', 'HTTP 500 Internal Server Error'],
    ['http-501', 'server', 'HTTP 501 Not Implemented'],
    ['http-502', 'server', 'HTTP 502 Bad Gateway'],
    ['http-503', 'server', 'HTTP 503 Service Unavailable'],
    ['redirect-loop', 'server', 'redirects are not followed'],
    ['html', 'malformed', 'not a JSON object'],
    ['empty-body', 'malformed', 'not a JSON object'],
    ['json-null', 'malformed', 'not a JSON object'],
    ['broken-json', 'malformed', 'not a JSON object'],
    ['wrong-type', 'malformed', 'type matrix'],
    ['no-data-field', 'malformed', 'no data'],
    ['status-error', 'bad-query', 'execution: query is too hard'],
    ['missing-value', 'malformed', 'no value'],
    ['number-value', 'malformed', 'not a number text: 100'],
    ['empty-value', 'malformed', 'not a number text: ""'],
    ['null-value', 'malformed', 'not a number text: null'],
    ['junk-value', 'malformed', 'not a number text: "100abc"'],
    ['duplicate-series', 'malformed', 'comes twice'],
    ['negative', 'malformed', 'negative value -5'],
  ];

  it.each(failing)('%s is failed(%s), and over when it is over', async (fault, reason, detail) => {
    if (reason === 'timeout') await timingOut();
    await bench.proxy.set(fault);
    const { measurement, decision, reasons } = await bench.decided(slo);
    for (const window of measurement.windows) {
      if (window.state !== 'failed') throw new Error(`${window.window.name} is ${window.state}`);
      expect(window.failure.reason).toBe(reason);
      expect(window.failure.detail).toContain(detail);
      expect(window.failure.detail).not.toContain('in-the-redirect');
    }
    expect(decision).toBe('WARN');
    expect(reasons[0]).toContain(detail);
    expect(bench.proxy.seen.length).toBeLessThanOrEqual(6);
    await bench.proxy.set('pass');
    await eventually(async () => expect((await bench.decided(slo)).decision).toBe('ALLOW'));
  });

  it.each(failing)('%s in the middle of a healthy life is failed(%s)', async (fault, reason) => {
    if (reason === 'timeout') await timingOut();
    await eventually(async () => expect((await bench.decided(slo)).decision).toBe('ALLOW'));
    await bench.proxy.set(fault);
    const { measurement, decision } = await bench.decided(slo);
    expect(measurement.windows.map((window) => window.state === 'failed' && window.failure.reason)).toEqual(
      Array(4).fill(reason),
    );
    expect(decision).toBe('WARN');
  });

  it.each(['nan', 'inf', 'minus-inf', 'no-series'] as const)('%s is no data, and never ALLOW', async (fault) => {
    await bench.proxy.set(fault);
    const { measurement, decision } = await bench.decided(slo);
    expect(measurement.windows.map(({ state }) => state)).toEqual(Array(4).fill('noData'));
    expect(decision).toBe('WARN');
  });

  it.each([
    ['warnings', 'WARN', 'partial data: store 10.0.0.7:10901 did not answer'],
    ['promql-warning', 'WARN', 'query warning: '],
    ['is-partial', 'WARN', 'partial data: isPartial'],
    ['slow-clock', 'WARN', 'clock skew of '],
    ['no-date', 'ALLOW', 'all burn rate checks passed'],
    ['infos', 'ALLOW', 'all burn rate checks passed'],
    ['promql-info-as-warning', 'ALLOW', 'all burn rate checks passed'],
    ['slow', 'ALLOW', 'all burn rate checks passed'],
  ] as const)('%s is %s: %s', async (fault, decision, reason) => {
    await bench.proxy.set(fault);
    const decided = await bench.decided(slo);
    expect(decided.decision).toBe(decision);
    expect(decided.reasons[0]).toContain(reason);
    if (fault === 'infos') expect(decided.notes.join()).toContain('might not be a counter');
  });

  it('has its own words for a query that Prometheus refuses', async () => {
    const wrong = scenarioSlo('healthy', {
      good: 'rate(up[{{window}}:-1s])',
      total: 'up',
      gating: { freshnessSelector: 'up' },
    });
    const { reasons } = await bench.decided(wrong);
    expect(reasons[0]).toMatch(/bad_data: .*parse error/);
  });

  it('freezes, dies and comes back empty without an ALLOW', async () => {
    await timingOut();
    prometheus.freeze();
    const frozen = await bench.decided(slo);
    prometheus.thaw();
    expect(frozen.decision).toBe('WARN');
    expect(frozen.measurement.windows[0]).toMatchObject({ failure: { reason: 'timeout' } });
    await eventually(async () => expect((await bench.decided(slo)).decision).toBe('ALLOW'));
    await prometheus.kill();
    const dead = await bench.decided(slo);
    expect(dead.decision).toBe('WARN');
    expect(dead.measurement.windows[0]).toMatchObject({ failure: { reason: 'unreachable' } });
    await prometheus.restart({ empty: true });
    await eventually(async () => {
      const empty = await bench.decided(slo);
      expect(empty.decision).toBe('WARN');
      expect(empty.measurement.windows[0]).toMatchObject({ state: 'noData', cause: 'no series match' });
    });
  });
});

import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { createPrometheusAdapter } from '../../../src/adapter/prometheus/adapter.ts';
import { windowsOf, type Slo } from '../../../src/slo/model.ts';
import { describeWithPrometheus, startPrometheus, type TestPrometheus } from '../../support/prometheus.ts';
import { anSlo } from '../../support/slo.ts';
import { listLog, settingsFor } from './settings.ts';
import { scenarioSlo, startBench, type Bench } from './under-fault.ts';

const requests = 'http_requests_total{scenario="healthy"}';

describeWithPrometheus('one request an evaluation', () => {
  let prometheus: TestPrometheus;
  let bench: Bench;
  beforeAll(async () => {
    prometheus = await startPrometheus();
    bench = await startBench(prometheus.url);
  });
  afterAll(async () => {
    await bench.close();
    await prometheus.stop();
  });
  beforeEach(() => {
    bench.proxy.forget();
  });

  const values = async (slo: Slo) => {
    const { windows } = await bench.measure(slo);
    return windows.map((window) => (window.state === 'ok' ? [window.good, window.total] : window));
  };

  it('is counted as one by Prometheus itself', async () => {
    // No adapter but this one asks, and a query of the count counts itself.
    const adapter = createPrometheusAdapter(settingsFor(prometheus.url), { clock: systemClock, log: listLog() });
    const handled = async () => {
      const text = await (await fetch(`${prometheus.url}/metrics`)).text();
      const lines = text.matchAll(/^prometheus_http_requests_total\{.*handler="\/api\/v1\/query"\} (\d+)$/gm);
      return [...lines].reduce((sum, [, count]) => sum + Number(count), 0);
    };
    const slo = scenarioSlo('healthy');
    const before = await handled();
    const request = { slo, windows: windowsOf(slo), evaluatedAtMs: Date.now(), priority: 'scheduled' } as const;
    const { windows } = await adapter.measure(request, AbortSignal.timeout(60_000));
    expect(windows.map(({ state }) => state)).toEqual(['ok', 'ok', 'ok', 'ok']);
    expect((await handled()) - before).toBe(1);
    await adapter.close();
  });

  it('asks at the instant of the evaluation, by POST', async () => {
    const evaluatedAtMs = Date.now() - 1_234;
    const slo = scenarioSlo('healthy');
    const request = { slo, windows: windowsOf(slo), evaluatedAtMs, priority: 'scheduled' } as const;
    await bench.adapter.measure(request, AbortSignal.timeout(60_000));
    expect(bench.proxy.seen).toHaveLength(1);
    expect(bench.proxy.seen[0]).toMatchObject({ method: 'POST', path: '/api/v1/query' });
    expect(bench.proxy.seen[0]?.parameters.get('time')).toBe((evaluatedAtMs / 1000).toFixed(3));
    expect(bench.proxy.seen[0]?.parameters.get('timeout')).toBe('10000ms');
  });

  it('holds queries that end in a comment', async () => {
    const slo = anSlo({
      good: `sum(rate(${requests}[{{window}}])) # all of them`,
      total: `sum(rate(${requests}[{{window}}])) # "all" ) of them`,
    });
    for (const window of await values(slo)) expect(window).toEqual([expect.any(Number), expect.any(Number)]);
    expect(bench.proxy.seen).toHaveLength(1);
  });

  it('holds scalars and numbers', async () => {
    const slo = anSlo({ good: `scalar(sum(rate(${requests}[{{window}}]))) * 0 + 99.5`, total: '100 # {{window}}' });
    expect(await values(slo)).toEqual(Array(4).fill([99.5, 100]));
    expect(bench.proxy.seen).toHaveLength(1);
  });

  it('keeps the operators of a query in their brackets', async () => {
    const slo = anSlo({ good: 'vector(95) or vector(1) # {{window}}', total: 'vector(50) + vector(50) # {{window}}' });
    expect(await values(slo)).toEqual(Array(4).fill([95, 100]));
  });

  it('sees a negative and a NaN series, which a sum made by the server would hide', async () => {
    const union = (one: string) =>
      `events_good{scenario=~"${one}|impossible"} and last_over_time(events_good[{{window}}])`;
    const total = 'events{scenario="impossible"} and last_over_time(events[{{window}}])';
    const negative = await bench.measure(anSlo({ good: union('negative-good'), total }));
    expect(negative.windows[0]).toMatchObject({ state: 'failed', failure: { reason: 'malformed' } });
    const nan = await bench.measure(anSlo({ good: union('nan-good'), total }));
    expect(nan.windows[0]).toMatchObject({ state: 'noData', cause: 'NaN' });
  });

  it('is not misled by a query that sets the label of its parts', async () => {
    const forged = `label_replace(vector(99), "__aegis_part__", "total:5m", "", "")`;
    const slo = anSlo({ good: `${forged} # {{window}}`, total: 'vector(100)' });
    expect(await values(slo)).toEqual(Array(4).fill([99, 100]));
  });

  it('adds up series that differ in their labels only', async () => {
    const slo = anSlo({ good: `rate(${requests}[{{window}}])`, total: `sum(rate(${requests}[{{window}}]))` });
    for (const window of await values(slo)) {
      const [good, total] = window as [number, number];
      expect(good / total).toBeCloseTo(1, 9);
    }
    expect(bench.proxy.seen).toHaveLength(1);
  });

  it('stays under the limit of VictoriaMetrics, as several requests where it must', async () => {
    const long = `sum(rate(${requests}[{{window}}])) # ${'x'.repeat(4_000)}`;
    const slo = anSlo({ good: long, total: long });
    for (const window of await values(slo)) expect(window).toEqual([expect.any(Number), expect.any(Number)]);
    expect(bench.proxy.seen.length).toBeGreaterThan(1);
    for (const { parameters } of bench.proxy.seen) {
      expect(Buffer.byteLength(parameters.get('query') ?? '')).toBeLessThanOrEqual(15_000);
    }
  });

  it('sends two queries by themselves where even they do not fit', async () => {
    const long = `sum(rate(${requests}[{{window}}])) # ${'x'.repeat(9_900)}`;
    for (const window of await values(anSlo({ good: long, total: long }))) {
      expect(window).toEqual([expect.any(Number), expect.any(Number)]);
    }
    expect(bench.proxy.seen).toHaveLength(9);
  });

  it('sends what it cannot read as it stands, where the owner names the series to judge by', async () => {
    // Prometheus cannot read it either: the answer is its own.
    const slo = anSlo({
      good: `sum(rate(${requests}[{{window}}]))`,
      total: 'sum(requests_total[{{window}}]) default 0',
      gating: { freshnessSelector: requests },
    });
    const { measurement, reasons } = await bench.decided(slo);
    const sent = bench.proxy.seen.map(({ parameters }) => parameters.get('query'));
    expect(sent).toContain('sum(requests_total[5m]) default 0');
    expect(measurement.windows[0]).toMatchObject({ failure: { role: 'total', reason: 'bad-query', attempts: 1 } });
    expect(measurement.freshness).toMatchObject({ state: 'ok', ages: [{ metric: 'http_requests_total' }] });
    expect(reasons[0]).toContain('parse error');
  });

  it('never takes a range vector or a text for a value', async () => {
    for (const total of [`${requests}[{{window}}]`, '"{{window}}"']) {
      const { measurement, decision } = await bench.decided(
        anSlo({ good: `sum(rate(${requests}[{{window}}]))`, total }),
      );
      expect(measurement.windows[0]).toMatchObject({
        state: 'failed',
        failure: { role: 'total', reason: 'malformed' },
      });
      expect(decision).toBe('WARN');
    }
  });
});

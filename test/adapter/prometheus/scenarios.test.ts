import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPrometheusAdapter } from '../../../src/adapter/prometheus/adapter.ts';
import { systemClock } from '../../../src/clock.ts';
import { burnRate, errorRate } from '../../../src/eval/arithmetic.ts';
import type { Measurement } from '../../../src/eval/measurement.ts';
import { decide } from '../../../src/policy/decide.ts';
import { windowsOf, type Slo } from '../../../src/slo/model.ts';
import { describeWithPrometheus, startPrometheus, type TestPrometheus } from '../../support/prometheus.ts';
import { anSlo, type SloOptions } from '../../support/slo.ts';
import { listLog, settingsFor } from './settings.ts';

describeWithPrometheus('the Prometheus adapter on a month of history', () => {
  let prometheus: TestPrometheus;
  let adapter: ReturnType<typeof createPrometheusAdapter>;
  beforeAll(async () => {
    prometheus = await startPrometheus();
    adapter = createPrometheusAdapter(settingsFor(prometheus.url, { timeoutMs: 20_000 }), {
      clock: systemClock,
      log: listLog(),
    });
  });
  afterAll(async () => {
    await adapter.close();
    await prometheus.stop();
  });

  const measure = (slo: Slo): Promise<Measurement> =>
    adapter.measure(
      { slo, windows: windowsOf(slo), evaluatedAtMs: Date.now(), priority: 'scheduled' },
      AbortSignal.timeout(60_000),
    );
  const scenario = (name: string, changes: SloOptions = {}) =>
    anSlo({
      good: `sum(rate(http_requests_total{scenario="${name}",status!~"5.."}[{{window}}]))`,
      total: `sum(rate(http_requests_total{scenario="${name}"}[{{window}}]))`,
      ...changes,
    });
  const ofEvents = (name: string) =>
    anSlo({
      good: `last_over_time(events_good{scenario="${name}"}[{{window}}])`,
      total: `last_over_time(events{scenario="${name}"}[{{window}}])`,
    });
  const decided = async (slo: Slo) => {
    const measurement = await measure(slo);
    return { measurement, result: decide(slo, measurement, []) };
  };

  it('reaches a threshold of 14 with exactly 7 % of errors', async () => {
    const slo = scenario('exactly-7-percent');
    const { measurement, result } = await decided(slo);
    for (const window of measurement.windows) {
      if (window.state !== 'ok') throw new Error(JSON.stringify(window));
      expect(burnRate(errorRate(window.good, window.total), slo.errorBudget)).toBeCloseTo(14, 9);
    }
    expect(result.decision).toBe('BLOCK');
  });

  it.each([
    ['healthy', 'ALLOW', ['all burn rate checks passed']],
    ['fast-burn', 'BLOCK', [expect.stringContaining('rule fast-burn triggered')]],
    ['slow-burn', 'BLOCK', [expect.stringContaining('rule slow-burn triggered')]],
    ['spike', 'ALLOW', ['all burn rate checks passed']],
    ['recovered', 'ALLOW', ['all burn rate checks passed']],
    ['young', 'ALLOW', ['all burn rate checks passed']],
    ['stopped', 'WARN', expect.arrayContaining(['data is stale', 'insufficient data (zero traffic)'])],
    ['stopping', 'ALLOW', ['all burn rate checks passed']],
    ['no-traffic', 'WARN', ['insufficient data (zero traffic)']],
    ['no-good', 'BLOCK', expect.arrayContaining(['insufficient data (good query returned no series)'])],
  ])('%s is %s', async (name, decision, reasons) => {
    const { result } = await decided(scenario(name));
    expect(result).toMatchObject({ decision });
    expect(result.items.map(({ reason }) => reason)).toEqual(reasons);
  });

  it.each([
    ['nan', 'noData'],
    ['nan-good', 'noData'],
    ['inf', 'noData'],
    ['minus-inf', 'noData'],
    ['zero', 'noData'],
    ['negative-good', 'failed'],
    ['negative-total', 'failed'],
    ['impossible', 'ok'],
  ])('events: %s is %s, and never ALLOW', async (name, state) => {
    const { measurement, result } = await decided(ofEvents(name));
    expect(measurement.windows.map((window) => window.state)).toEqual([state, state, state, state]);
    expect(result.decision).not.toBe('ALLOW');
  });
});

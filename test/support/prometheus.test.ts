import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from './eventually.ts';
import { allScenarios, fleet } from './metric-scenarios.ts';
import { describeWithPrometheus, startPrometheus, type TestPrometheus } from './prometheus.ts';

describeWithPrometheus('the Prometheus of the tests', () => {
  let prometheus: TestPrometheus;
  beforeAll(async () => {
    prometheus = await startPrometheus({ series: [...allScenarios(), ...fleet(100)] });
  });
  afterAll(() => prometheus.stop());

  const ratio = (scenario: string, window: string) =>
    prometheus.query(
      `sum(rate(http_requests_total{scenario="${scenario}",status=~"5.."}[${window}])) / sum(rate(http_requests_total{scenario="${scenario}"}[${window}]))`,
    );

  it.each(['5m', '1h', '6h', '30d'])('holds exactly 7 %% of errors over %s, counter resets and all', async (window) => {
    const [value] = await ratio('exactly-7-percent', window);
    expect(value).toBeCloseTo(0.07, 11);
  });

  it.each([
    ['fast-burn', '1h', 0.1],
    ['slow-burn', '6h', 0.04],
    ['recovered', '5m', 0],
    ['fleet', '30d', 0.0005],
  ])('has a %s in %s of %f', async (scenario, window, expected) => {
    const [value] = await ratio(scenario, window);
    expect(value).toBeCloseTo(expected, 9);
  });

  it('restarts with its data or empty, freezes and thaws, and loses its target', async () => {
    await prometheus.kill();
    await expect(prometheus.query('up')).rejects.toThrow();
    await prometheus.restart();
    expect(await prometheus.query('count(http_requests_total{scenario="fleet"})')).toEqual([200]);
    await prometheus.scraped();
    prometheus.setExporter('down');
    await eventually(async () => expect(await prometheus.query('http_requests_total{scenario="healthy"}')).toEqual([]));
    prometheus.setExporter(allScenarios());
    await prometheus.restart({ empty: true });
    expect(await prometheus.query('count_over_time(http_requests_total{scenario="stopped"}[30d])')).toEqual([]);
  });
});

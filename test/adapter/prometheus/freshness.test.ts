import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { allScenarios, counter, gauge, type TestSeries } from '../../support/metric-scenarios.ts';
import { describeWithPrometheus, startPrometheus, type TestPrometheus } from '../../support/prometheus.ts';
import { anSlo, type SloOptions } from '../../support/slo.ts';
import { scenarioSlo, startBench, type Bench } from './under-fault.ts';

const minute = 60;
const hour = 60 * minute;
const month = -31 * 24 * hour;

/** Beside the scenarios that all tests share. */
const special: readonly TestSeries[] = [
  // An exporter that goes on telling the sample of its first second.
  { ...counter('frozen_total', {}, [[month, 100]], { bornAt: 0 }), claimedOffset: () => 1 },
  // The old pods went an hour ago, the new ones came.
  counter('pods_total', { pod: 'old', code: '200' }, [[month, 99.95]], { diedAt: -hour }),
  counter('pods_total', { pod: 'old', code: '500' }, [[month, 0.05]], { diedAt: -hour }),
  counter('pods_total', { pod: 'new', code: '200' }, [[-hour, 99.95]], { bornAt: -hour }),
  counter('pods_total', { pod: 'new', code: '500' }, [[-hour, 0.05]], { bornAt: -hour }),
  // The only error counter there ever was belonged to a pod that is gone.
  counter('failures_total', { pod: 'old' }, [[month, 0.05]], { diedAt: -3 * hour }),
  // A short life between the steps in which old samples are looked for, gone for longer than the limit.
  gauge('recorded:dead', {}, 5, { diedAt: -20 * minute }),
];

describeWithPrometheus('freshness, data points and coverage', () => {
  let prometheus: TestPrometheus;
  let bench: Bench;
  beforeAll(async () => {
    prometheus = await startPrometheus({ series: [...allScenarios(), ...special] });
    bench = await startBench(prometheus.url);
  });
  afterAll(async () => {
    await bench.close();
    await prometheus.stop();
  });

  const checksOf = async (options: SloOptions) => {
    const { measurement, ...decided } = await bench.decided(anSlo(options));
    const { freshness, points, coverage } = measurement;
    if (freshness.state !== 'ok') throw new Error(freshness.failure.detail);
    if (points.state !== 'ok' || coverage.state !== 'ok') throw new Error('not measured');
    return { ...decided, ages: freshness.ages, points: points.value, coverage: coverage.value };
  };
  const minutes = (ageMs: number | null | undefined) => Math.floor((ageMs ?? NaN) / 60_000);
  const of = (scenario: string) => ({
    good: `sum(rate(http_requests_total{scenario="${scenario}",status!~"5.."}[{{window}}]))`,
    total: `sum(rate(http_requests_total{scenario="${scenario}"}[{{window}}]))`,
  });

  it('finds a target that died although rate goes on over its window', async () => {
    const { ages, decision, notes } = await checksOf({ ...of('stopped'), gating: { minDataPoints: 1 } });
    expect(ages).toHaveLength(1);
    expect(minutes(ages[0]?.ageMs)).toBeGreaterThanOrEqual(20);
    expect(minutes(ages[0]?.ageMs)).toBeLessThanOrEqual(22);
    expect(decision).toBe('WARN');
    expect(notes.join()).toMatch(/http_requests_total: newest sample is 2[012]m old \(limit 10m\)/);
  });

  it('judges by the limit of the SLO, not by what is in sight', async () => {
    const young = await checksOf({ ...of('stopping'), gating: { stalenessLimit: '10m' } });
    expect(young.decision).toBe('ALLOW');
    const old = await checksOf({ ...of('stopping'), gating: { stalenessLimit: '2m' } });
    expect(old.decision).toBe('WARN');
    expect(old.reasons).toEqual(['data is stale']);
    const generous = await checksOf({ ...of('stopped'), gating: { stalenessLimit: '1h', minDataPoints: 1 } });
    expect(generous.reasons).not.toContain('data is stale');
  });

  it('finds the dead source of errors in a difference', async () => {
    const { ages, decision, reasons } = await checksOf({
      good: 'sum(rate(jobs_total[{{window}}])) - sum(rate(job_errors_total[{{window}}]))',
      total: 'sum(rate(jobs_total[{{window}}]))',
    });
    expect(ages.map(({ metric }) => metric)).toEqual(['jobs_total', 'job_errors_total']);
    expect(ages.map(({ ageMs }) => (ageMs ?? NaN) > 600_000)).toEqual([false, true]);
    expect(decision).toBe('WARN');
    expect(reasons).toContain('data is stale');
  });

  it('lets the owner name the series to judge by', async () => {
    const queries = {
      good: 'sum(rate(pods_total[{{window}}])) - (sum(rate(failures_total[{{window}}])) or 0 * sum(rate(pods_total[{{window}}])))',
      total: 'sum(rate(pods_total[{{window}}]))',
    };
    expect((await checksOf(queries)).reasons).toEqual(['data is stale']);
    const named = await checksOf({ ...queries, gating: { freshnessSelector: 'pods_total' } });
    expect(named.ages.map(({ metric }) => metric)).toEqual(['pods_total']);
    expect(named.decision).toBe('ALLOW');
    const dead = await checksOf({ ...of('healthy'), gating: { freshnessSelector: 'recorded:dead' } });
    expect(dead.reasons).toEqual(['data is stale']);
  });

  it('finds nothing wrong with a service whose pods were replaced', async () => {
    const { decision, coverage } = await checksOf({
      good: 'sum(rate(pods_total{code="200"}[{{window}}]))',
      total: 'sum(rate(pods_total[{{window}}]))',
    });
    expect(coverage).toBe(1);
    expect(decision).toBe('ALLOW');
  });

  it('reads the selectors of each window where recorded series have a name for each', async () => {
    const { ages, decision, points } = await checksOf({
      good: 'job:requests_good:rate{{window}}',
      total: 'job:requests:rate{{window}}',
    });
    expect(ages.map(({ metric }) => metric)).toEqual(
      ['30d', '5m', '1h', '6h'].flatMap((window) => [`job:requests_good:rate${window}`, `job:requests:rate${window}`]),
    );
    expect(points).toBeGreaterThanOrEqual(10);
    expect(decision).toBe('ALLOW');
  });

  it('leaves out offset and @ when it asks for the newest sample', async () => {
    const { ages, decision } = await checksOf({
      good: 'sum(rate(http_requests_total{scenario="stopped",status!~"5.."}[{{window}}] offset 1h))',
      total: 'sum(rate(http_requests_total{scenario="stopped"}[{{window}}] @ end() offset 1h))',
    });
    expect(minutes(ages[0]?.ageMs)).toBeGreaterThanOrEqual(20);
    expect(decision).toBe('WARN');
  });

  it('notes a metric that has no sample at all, and does not call it stale', async () => {
    const { ages, notes, reasons } = await checksOf({
      good: 'sum(rate(http_requests_total{scenario="healthy"}[{{window}}])) - (sum(rate(never_total[{{window}}])) or vector(0))',
      total: 'sum(rate(http_requests_total{scenario="healthy"}[{{window}}]))',
    });
    expect(ages[1]).toEqual({ metric: 'never_total', ageMs: null });
    expect(notes).toContain('never_total: no sample in 6h');
    expect(reasons).toEqual(['all burn rate checks passed']);
  });

  it('counts the samples of the shortest rule window, of the selector that has most', async () => {
    const [expected] = await prometheus.query('sum(count_over_time(http_requests_total{scenario="healthy"}[5m]))');
    const { points } = await checksOf({
      ...of('healthy'),
      total: 'sum(rate(http_requests_total{scenario="healthy"}[{{window}}])) + 0 * sum(rate(jobs_total[{{window}}]))',
    });
    // Scrapes go on between the two questions.
    expect(points).toBeGreaterThanOrEqual(expected ?? NaN);
    const few = await checksOf({ ...of('healthy'), gating: { minDataPoints: 1000 } });
    expect(few.reasons[0]).toMatch(/^insufficient data \(\d+ data points, 1000 required\)$/);
    const none = await checksOf({ good: 'vector(1) # {{window}}', total: 'vector(1)' });
    expect(none.points).toBe(0);
    expect(none.decision).toBe('WARN');
  });

  it('measures the coverage of the longest rule window in sixty steps', async () => {
    expect((await checksOf(of('healthy'))).coverage).toBe(1);
    const hole = await checksOf({ ...of('hole'), gating: { minCoverage: 0.9 } });
    // Two of six hours are missing; a step at each edge may have a sample.
    expect(hole.coverage * 60).toBeGreaterThanOrEqual(39);
    expect(hole.coverage * 60).toBeLessThanOrEqual(42);
    expect(Math.round(hole.coverage * 60)).toBeCloseTo(hole.coverage * 60, 9);
    expect(hole.reasons[0]).toMatch(/^data has gaps \(6h covered 6\d%, 90% required\)$/);
    expect((await checksOf(of('hole'))).decision).toBe('ALLOW');
  });

  it('counts the coverage of a young series from its first sample, and says so', async () => {
    const young = await checksOf({ ...of('young'), gating: { minCoverage: 1 } });
    expect(young.coverage).toBe(1);
    expect(young.notes.join()).toContain('younger than 6h');
    expect(young.decision).toBe('ALLOW');
  });

  it('does not take a hole at the beginning of the window for youth', async () => {
    const rules = [{ name: 'one', shortWindow: '5m', longWindow: '3h', threshold: 14 }];
    const { coverage, notes } = await checksOf({ ...of('hole'), rules });
    expect(coverage * 60).toBeLessThanOrEqual(42);
    expect(notes).toEqual([]);
  });

  it('covers exactly sixty steps, whether or not the instant is a multiple of the step', async () => {
    const slo = scenarioSlo('healthy');
    const stepMs = 360_000;
    const aligned = Math.floor(prometheus.startedAtMs / stepMs) * stepMs;
    for (const evaluatedAtMs of [aligned, aligned + 1, aligned - 1, aligned - stepMs / 2]) {
      const request = { slo, windows: [], evaluatedAtMs, priority: 'scheduled' } as const;
      const { coverage } = await bench.adapter.measure(request, AbortSignal.timeout(60_000));
      expect(coverage).toEqual({ state: 'ok', value: 1 });
      const query = bench.proxy.seen.at(-1)?.parameters.get('query') ?? '';
      const covered = /label_replace\((count_over_time\(.*\))\n,"__aegis_part__","covered"/.exec(query)?.[1] ?? '';
      const steps = covered.replace(/^count_over_time\(\(.*\)\[/, 'count_over_time(vector(1)[');
      const body = new URLSearchParams({ query: steps, time: `${evaluatedAtMs / 1000}` });
      const answer: unknown = await (await fetch(`${prometheus.url}/api/v1/query`, { method: 'POST', body })).json();
      expect(answer).toMatchObject({ data: { result: [{ value: [expect.any(Number), '60'] }] } });
    }
  });

  it('is fresh for as long as the limit after a stale marker emptied the instant vector, and not longer', async () => {
    await prometheus.scraped();
    prometheus.setExporter('down');
    const gone = 'http_requests_total{scenario="healthy"}';
    await eventually(async () => expect(await prometheus.query(gone)).toEqual([]));
    const { ages, decision } = await checksOf(of('healthy'));
    expect(ages[0]?.ageMs).toBeLessThanOrEqual(600_000);
    expect(decision).toBe('ALLOW');
    await eventually(async () => {
      const short = await checksOf({ ...of('healthy'), gating: { stalenessLimit: '3s' } });
      expect(short.reasons).toEqual(['data is stale']);
      expect(short.ages[0]?.ageMs).toBeGreaterThan(3_000);
    });
    prometheus.setExporter([...allScenarios(), ...special]);
  });

  it('sees the age of samples that a metric claims, not that of the scrape', async () => {
    await eventually(async () => {
      const { ages, reasons } = await checksOf({
        good: 'sum(last_over_time(frozen_total[{{window}}]))',
        total: 'sum(last_over_time(frozen_total[{{window}}]))',
        gating: { stalenessLimit: '3s', minDataPoints: 1 },
      });
      expect(ages[0]?.ageMs).toBeGreaterThan(3_000);
      expect(reasons).toEqual(['data is stale']);
    });
  });
});

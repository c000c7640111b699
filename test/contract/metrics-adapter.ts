import { afterAll, beforeAll, expect, it } from 'vitest';
import { failureReasons, type Measurement, type MetricsAdapter } from '../../src/eval/measurement.ts';
import { decide } from '../../src/policy/decide.ts';
import { windowsOf, type Slo, type Window } from '../../src/slo/model.ts';

/** A metrics adapter with its source, and an SLO for each of the states that a source can be in. */
export interface AdapterUnderTest {
  readonly adapter: MetricsAdapter;
  /** 0.05 % of errors over fresh samples. */
  readonly healthy: Slo;
  /** Its total is 0. */
  readonly noTraffic: Slo;
  /** Neither query selects a series. */
  readonly noSeries: Slo;
  /** Only the good query selects no series. */
  readonly noGood: Slo;
  /** A good of -5. */
  readonly negative: Slo;
  /** Its newest sample is older than its staleness limit. */
  readonly stale: Slo;
  /** Makes every measurement fail, and ends that. */
  breakSource(): Promise<void>;
  repairSource(): Promise<void>;
  close(): Promise<void>;
}

/** What every metrics adapter does, whatever its source. Call it within a `describe`. */
export function itMeasuresLikeAnyAdapter(start: () => Promise<AdapterUnderTest>): void {
  let under: AdapterUnderTest;
  beforeAll(async () => {
    under = await start();
  });
  afterAll(() => under.close());

  const measure = (slo: Slo, signal = AbortSignal.timeout(30_000), windows: readonly Window[] = windowsOf(slo)) =>
    under.adapter.measure({ slo, windows, evaluatedAtMs: Date.now(), priority: 'urgent' }, signal);
  const states = (measurement: Measurement) => [...new Set(measurement.windows.map(({ state }) => state))];
  const decisionOf = (slo: Slo, measurement: Measurement) => decide(slo, measurement, []).decision;

  it('measures every window at the instant asked for, in order', async () => {
    const slo = under.healthy;
    const evaluatedAtMs = Date.now() - 1_000;
    const signal = AbortSignal.timeout(30_000);
    const windows = windowsOf(slo);
    const measurement = await under.adapter.measure({ slo, windows, evaluatedAtMs, priority: 'scheduled' }, signal);
    expect(measurement.evaluatedAtMs).toBe(evaluatedAtMs);
    expect(measurement.windows.map(({ window }) => window)).toEqual(windows);
    for (const window of measurement.windows) {
      if (window.state !== 'ok') throw new Error(`${window.window.name} is ${window.state}`);
      expect(window.readAtMs).toBe(evaluatedAtMs);
      expect(window.good / window.total).toBeCloseTo(0.9995, 9);
    }
    expect(measurement.freshness.state).toBe('ok');
    expect(decisionOf(slo, measurement)).toBe('ALLOW');
  });

  it('measures only the windows asked for', async () => {
    const some = windowsOf(under.healthy).slice(1, 3);
    const measurement = await measure(under.healthy, undefined, some);
    expect(measurement.windows.map(({ window }) => window)).toEqual(some);
  });

  it('tells zero traffic from absent series', async () => {
    const zero = await measure(under.noTraffic);
    expect(zero.windows[0]).toMatchObject({ state: 'noData', cause: 'total is 0' });
    const absent = await measure(under.noSeries);
    expect(absent.windows[0]).toMatchObject({ state: 'noData', cause: 'no series match' });
    expect(decisionOf(under.noTraffic, zero)).toBe('WARN');
    expect(decisionOf(under.noSeries, absent)).toBe('WARN');
  });

  it('says that good has no series while total has traffic', async () => {
    const measurement = await measure(under.noGood);
    expect(measurement.windows[0]).toMatchObject({ state: 'ok', good: 0, goodMissing: true });
    expect(decisionOf(under.noGood, measurement)).not.toBe('ALLOW');
  });

  it('takes a negative value as a failed query', async () => {
    const measurement = await measure(under.negative);
    expect(measurement.windows[0]).toMatchObject({ state: 'failed', failure: { role: 'good', reason: 'malformed' } });
    expect(decisionOf(under.negative, measurement)).toBe('WARN');
  });

  it('knows how old the newest sample is', async () => {
    const { freshness } = await measure(under.stale);
    if (freshness.state !== 'ok') throw new Error(freshness.failure.detail);
    const oldest = Math.max(...freshness.ages.map(({ ageMs }) => ageMs ?? 0));
    expect(oldest).toBeGreaterThan(under.stale.gating.stalenessLimit.ms);
  });

  it('answers that the time was up where the signal was aborted before', async () => {
    const measurement = await measure(under.healthy, AbortSignal.abort());
    expect(states(measurement)).toEqual(['failed']);
    expect(measurement.windows[0]).toMatchObject({ failure: { reason: 'timeout' } });
  });

  it('answers at once with what is known when the signal aborts', async () => {
    const deadline = new AbortController();
    const measuring = measure(under.healthy, deadline.signal);
    deadline.abort();
    const measurement = await measuring;
    expect(states(measurement)).toEqual(['failed']);
    expect(measurement.windows[0]).toMatchObject({ failure: { reason: 'timeout' } });
    expect(decisionOf(under.healthy, measurement)).toBe('WARN');
  });

  it('gives concurrent evaluations the same numbers', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => measure(under.healthy)));
    expect(all.map((measurement) => decisionOf(under.healthy, measurement))).toEqual(all.map(() => 'ALLOW'));
  });

  it('fails with a reason of the closed set while the source is broken, and measures again when it is repaired', async () => {
    await under.breakSource();
    const broken = await measure(under.healthy);
    await under.repairSource();
    expect(states(broken)).toEqual(['failed']);
    for (const window of broken.windows) {
      if (window.state !== 'failed') continue;
      expect(failureReasons).toContain(window.failure.reason);
      expect(window.failure.detail).not.toBe('');
    }
    expect(decisionOf(under.healthy, broken)).toBe('WARN');
    expect(decisionOf(under.healthy, await measure(under.healthy))).toBe('ALLOW');
  });
}

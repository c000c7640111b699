import fc from 'fast-check';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import type { CatalogueChange } from '../../src/catalogue/ports.ts';
import { createBuckets, observe, ReadHistogram } from '../../src/telemetry/buckets.ts';
import { addPerformanceMetrics } from '../../src/telemetry/performance-metrics.ts';
import { anEvaluation } from '../support/evaluation.ts';
import { fakeCatalogue } from '../support/fake-catalogue.ts';
import { anSlo } from '../support/slo.ts';

const minute = 60_000;

/** Performance on a clock that the test sets. */
function performance() {
  let nowMs = 1_000_000;
  let remove: (id: string) => void = () => undefined;
  const catalogue = {
    ...fakeCatalogue([]),
    onChange(listener: (change: CatalogueChange, snapshot: never) => void) {
      remove = (id) => listener({ added: [], changed: [], removed: [id] }, undefined as never);
      return () => undefined;
    },
  };
  const registry = new Registry();
  const measured = addPerformanceMetrics([registry], catalogue, () => nowMs);
  const answer = (durationMs: number, status = 200, route = '/v1/slo') =>
    measured.onAnswered({ route, method: 'GET', status, durationMs });
  const evaluate = (id: string, durationMs: number) =>
    measured.onEvaluated(anEvaluation({ slo: anSlo({ id }) }), durationMs);
  return {
    report: () => measured.report(),
    answer,
    evaluate,
    remove: (id: string) => remove(id),
    wait: (ms: number) => (nowMs += ms),
  };
}

describe('latencies', () => {
  it('are percentiles to one percent, by route and over all', () => {
    const { answer, report, wait } = performance();
    for (let ms = 1; ms <= 1000; ms++) answer(ms, ms > 990 ? 500 : 200);
    answer(5_000, 200, '/v1/gate/decision');
    wait(10_000);
    const { requests, routes, recentSeconds } = report();
    expect(recentSeconds).toBe(10);
    const [slos, decisions] = routes;
    expect(slos).toMatchObject({ route: '/v1/slo', recent: { count: 1000, perSecond: 100, errorRate: 0.01 } });
    expect(decisions).toMatchObject({ route: '/v1/gate/decision', recent: { count: 1 } });
    expect(requests.recent.count).toBe(1001);
    for (const [name, expected] of [
      ['p50', 500],
      ['p90', 900],
      ['p95', 950],
      ['p99', 990],
      ['max', 1000],
    ] as const) {
      expect(Math.abs((slos?.recent.latencyMs[name] ?? 0) / expected - 1)).toBeLessThan(0.01);
    }
    expect(Math.abs((requests.recent.latencyMs.max ?? 0) / 5000 - 1)).toBeLessThan(0.01);
  });

  it('of the last minutes are forgotten after them, and stay since the start', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ waitMs: fc.nat({ max: 4 * minute }), status: fc.constantFrom(200, 503) })),
        (all) => {
          const { answer, report, wait } = performance();
          for (const { waitMs, status } of all) {
            wait(waitMs);
            answer(5, status);
          }
          const { recent, sinceStart } = report().requests;
          expect(sinceStart.count).toBe(all.length);
          expect(recent.count).toBeLessThanOrEqual(all.length);
          const failed = all.filter(({ status }) => status === 503).length;
          expect((sinceStart.errorRate ?? 0) * all.length).toBeCloseTo(failed);
          wait(6 * minute);
          expect(report().requests).toMatchObject({
            recent: { count: 0, errorRate: null },
            sinceStart: { count: all.length },
          });
        },
      ),
    );
  });

  it('that nobody could wait for are counted as the longest that is measured', () => {
    const { answer, report } = performance();
    answer(24 * 3600 * 1000);
    answer(0);
    expect(report().requests.recent).toMatchObject({ count: 2, latencyMs: { p50: 0.001 } });
  });
});

describe('the slowest SLOs', () => {
  it('are the ten with the highest percentile of their latest evaluations, without those that are gone', () => {
    const { evaluate, report, remove } = performance();
    for (let slo = 0; slo < 50; slo++)
      for (let i = 0; i < 25; i++) evaluate(`slo-${slo}`, slo === 7 && i < 5 ? 9_999 : slo);
    expect(report().slowestSlos).toHaveLength(10);
    expect(report().slowestSlos[0]).toEqual({ sloID: 'slo-49', p95Ms: 49, maxMs: 49, latestMs: 49 });
    remove('slo-49');
    expect(report().slowestSlos[0]?.sloID).toBe('slo-48');
    evaluate('slo-1', 100);
    expect(report().slowestSlos[0]).toMatchObject({ sloID: 'slo-48' }); // one of twenty is above the 95th percentile
    evaluate('slo-1', 100);
    expect(report().slowestSlos[0]).toEqual({ sloID: 'slo-1', p95Ms: 100, maxMs: 100, latestMs: 100 });
  });
});

describe('a histogram that is read', () => {
  it("says what prom-client's own would", async () => {
    const bounds = [0.1, 1, 10];
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.double({ min: 0, max: 20, noNaN: true }), fc.constantFrom(...bounds))),
        async (values) => {
          const buckets = createBuckets(bounds);
          for (const value of values) observe(buckets, value);
          const ours = new Registry();
          const read = () => [[{ route: 'a' }, buckets]] as const;
          new ReadHistogram([ours], { name: 'h', help: 'h', labelNames: ['route'], bounds, read });
          const theirs = new Registry();
          const { Histogram } = await import('prom-client');
          const own = new Histogram({
            name: 'h',
            help: 'h',
            labelNames: ['route'],
            buckets: bounds,
            registers: [theirs],
          });
          own.zero({ route: 'a' });
          for (const value of values) own.observe({ route: 'a' }, value);
          expect(await ours.metrics()).toBe(await theirs.metrics());
        },
      ),
    );
  });
});

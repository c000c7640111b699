import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPrometheusAdapter } from '../../../src/adapter/prometheus/adapter.ts';
import { systemClock } from '../../../src/clock.ts';
import { burnRate, errorRate } from '../../../src/eval/arithmetic.ts';
import { keep } from '../../../src/eval/keep.ts';
import type { KeptWindows } from '../../../src/eval/kept.ts';
import type { Measurement } from '../../../src/eval/measurement.ts';
import { decide } from '../../../src/policy/decide.ts';
import type { BlockingRule } from '../../../src/policy/gate-result.ts';
import { windowsOf, type Slo } from '../../../src/slo/model.ts';
import { grownOlder } from '../../support/evaluation.ts';
import { counter, historySeconds, type TestSeries } from '../../support/metric-scenarios.ts';
import { describeWithPrometheus, startPrometheus, type TestPrometheus } from '../../support/prometheus.ts';
import { anSlo } from '../../support/slo.ts';
import { listLog, settingsFor } from './settings.ts';

const minute = 60;
const hour = 60 * minute;
/** What is gone through: the end of the history, where it has a sample each 30 s. */
const shown = hour;

/** From an offset on, so many requests a second for each pod, and the share of them that fails. */
interface Stretch {
  readonly from: number;
  readonly perSecond: number;
  readonly errors: number;
}

interface Pod {
  readonly bornAt: number;
  readonly diedAt: number;
  /** Its counters begin at 0 each so many seconds. */
  readonly restartEvery: number;
  /** Where scrapes were missed, and for how long. */
  readonly missed: readonly [number, number];
}

interface Service {
  readonly past: Stretch;
  readonly stretches: readonly Stretch[];
  readonly pods: readonly Pod[];
}

const offset = fc.integer({ min: -shown, max: 0 });
const stretch = fc.record({
  from: offset,
  perSecond: fc.constantFrom(0, 1, 50, 500),
  errors: fc.constantFrom(0, 0.0005, 0.002, 0.01, 0.05, 0.5, 1),
});
const pod = fc.record({
  bornAt: fc.oneof(fc.constant(-historySeconds), offset, fc.constant(-20 * hour)),
  diedAt: fc.oneof({ weight: 3, arbitrary: fc.constant(Infinity) }, { weight: 1, arbitrary: offset }),
  restartEvery: fc.integer({ min: 10 * minute, max: 30 * hour }),
  missed: fc.tuple(offset, fc.constantFrom(0, 40, 10 * minute)),
});
const past = (errors: readonly number[]) =>
  fc.record({ from: fc.constant(-historySeconds), perSecond: fc.constant(50), errors: fc.constantFrom(...errors) });
/** One that stays throughout, as a service without any series has nothing to be told of. */
const pods = (others: number) =>
  fc
    .array(pod, { minLength: others, maxLength: others })
    .map((all): readonly Pod[] => [
      { bornAt: -historySeconds, diedAt: Infinity, restartEvery: 7 * hour, missed: [-1, 0] },
      ...all,
    ]);
const eventful: fc.Arbitrary<Service> = fc.record({
  past: past([0, 0.0004, 0.0009]),
  stretches: fc.array(stretch, { minLength: 1, maxLength: 4 }),
  pods: pods(11),
});
/** Its traffic and errors stay as they are; its processes begin anew, and scrapes are missed. */
const calm: fc.Arbitrary<Service> = fc.record({
  past: past([0, 0.0004]),
  stretches: fc.constant([]),
  pods: pods(5).map((all) => all.map((one) => ({ ...one, bornAt: -historySeconds, diedAt: Infinity }))),
});

function seriesOf(name: string, service: Service): TestSeries[] {
  const steps = [service.past, ...service.stretches.toSorted((a, b) => a.from - b.from)];
  return service.pods.flatMap(({ bornAt, diedAt, restartEvery, missed: [from, seconds] }, index) =>
    [
      { status: '200', share: (errors: number) => 1 - errors },
      { status: '503', share: (errors: number) => errors },
    ].map(({ status, share }) =>
      counter(
        'http_requests_total',
        { scenario: name, pod: `pod-${index}`, status },
        steps.map(({ from: begin, perSecond, errors }) => [begin, perSecond * share(errors)] as const),
        { bornAt, diedAt, restartEvery, hole: [from, from + seconds] },
      ),
    ),
  );
}

const errorBudget = 0.001;
/** Long windows begin a little below their thresholds, and cross them a small step at a time. */
const rulesOf = ({ past: { errors } }: Service) => [
  { name: 'page', shortWindow: '5m', longWindow: '1h', threshold: 14.4 },
  { name: 'ticket', shortWindow: '30m', longWindow: '3d', threshold: errors / errorBudget + 0.05 },
  { name: 'month', shortWindow: '1h', longWindow: '30d', threshold: errors / errorBudget + 0.005 },
];
const intervals = { '30s': 30, '5m': 300 } as const;

const seed = Math.floor(Math.random() * 2 ** 31);
const services = new Map<string, Service>([
  ...fc.sample(eventful, { seed, numRuns: 4 }).map((one, index) => [`eventful-${index}`, one] as const),
  ...fc.sample(calm, { seed, numRuns: 1 }).map((one, index) => [`calm-${index}`, one] as const),
]);

describeWithPrometheus('evaluations that lean on kept windows, of counters as production has them', () => {
  let prometheus: TestPrometheus;
  let adapter: ReturnType<typeof createPrometheusAdapter>;
  beforeAll(async () => {
    prometheus = await startPrometheus({ series: [...services].flatMap(([name, service]) => seriesOf(name, service)) });
    const settings = settingsFor(prometheus.url, { timeoutMs: 60_000 });
    adapter = createPrometheusAdapter(settings, { clock: systemClock, log: listLog() });
  });
  afterAll(async () => {
    await adapter.close();
    await prometheus.stop();
  });

  const sloOf = (name: string, service: Service, interval: keyof typeof intervals) =>
    anSlo({
      id: name,
      interval,
      rules: rulesOf(service),
      objective: 1 - errorBudget,
      good: `sum(rate(http_requests_total{scenario="${name}",status!~"5.."}[{{window}}]))`,
      total: `sum(rate(http_requests_total{scenario="${name}"}[{{window}}]))`,
    });
  const measure = (slo: Slo, evaluatedAtMs: number, kept: KeptWindows | null) =>
    adapter.measure(
      { slo, windows: windowsOf(slo), kept, evaluatedAtMs, priority: 'scheduled' },
      AbortSignal.timeout(100_000),
    );
  const cases = [...services].flatMap(([name, service]) =>
    (['30s', '5m'] as const).map((interval) => [name, interval, service] as const),
  );

  it.each(cases)('%s at %s: every rule comes out as if all had been read', async (name, interval, service) => {
    const slo = sloOf(name, service, interval);
    const isCalm = name.startsWith('calm');
    let kept: KeptWindows | null = null;
    let before: { leaning: readonly BlockingRule[]; full: readonly BlockingRule[] } = { leaning: [], full: [] };
    let leanedOn = 0;
    for (let offsetSeconds = -shown; offsetSeconds <= 0; offsetSeconds += intervals[interval]) {
      const atMs = prometheus.startedAtMs + offsetSeconds * 1_000;
      const [measurement, whole] = await Promise.all([measure(slo, atMs, kept), measure(slo, atMs, null)]);
      kept = keep(slo, kept, measurement);
      const grownMs = intervals[interval] * 1_000;
      const [leaning, full] = [
        decide(slo, measurement, grownOlder(before.leaning, grownMs)),
        decide(slo, whole, grownOlder(before.full, grownMs)),
      ];
      before = { leaning: leaning.blocking, full: full.blocking };
      const about = `seed ${seed}, at ${offsetSeconds} s`;
      const triggered = (of: typeof full) => of.rules.filter((rule) => rule.triggered).map((rule) => rule.name);
      expect(triggered(leaning), about).toEqual(triggered(full));
      expect(leaning.decision, about).toBe(full.decision);
      if (isCalm) expect(Math.abs(budgetBurn(slo, measurement) - budgetBurn(slo, whole)), about).toBeLessThan(0.001);
      leanedOn += measurement.windows.filter(({ readAtMs }) => readAtMs !== atMs).length;
    }
    if (isCalm) expect(leanedOn).toBeGreaterThan(0);
  });
});

function budgetBurn(slo: Slo, { windows }: Measurement): number {
  const month = windows.find(({ window }) => window.name === '30d');
  if (month?.state !== 'ok') throw new Error(`the month was not read: ${JSON.stringify(month)}`);
  return burnRate(errorRate(month.good, month.total), slo.errorBudget);
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { burnRate, errorRate } from '../../src/eval/arithmetic.ts';
import { keep } from '../../src/eval/keep.ts';
import { readAfterAll, windowsToRead } from '../../src/eval/kept-windows.ts';
import type { KeptWindows } from '../../src/eval/kept.ts';
import type { Measurement, WindowMeasurement } from '../../src/eval/measurement.ts';
import { classifyWindow } from '../../src/eval/reading.ts';
import { unmeasured } from '../../src/eval/unmeasured.ts';
import { decide } from '../../src/policy/decide.ts';
import type { BlockingRule } from '../../src/policy/gate-result.ts';
import { grownOlder } from '../../src/policy/hold.ts';
import { windowsOf, type Slo, type Window } from '../../src/slo/model.ts';
import { noon } from '../support/evaluation.ts';
import { anSlo } from '../support/slo.ts';

/** So many requests a second, and the share of them that fails, from an instant on. */
interface Stretch {
  readonly ms: number;
  readonly perSecond: number;
  readonly errors: number;
  /** Whether the source answers, and whether there are series. */
  readonly source: 'answers' | 'down' | 'no series' | 'no long windows' | 'doubtful';
}

const rules = [
  { name: 'page', shortWindow: '5m', longWindow: '1h', threshold: 14.4 },
  { name: 'ticket', shortWindow: '30m', longWindow: '3d', threshold: 1 },
  { name: 'also', shortWindow: '6h', longWindow: '3d', threshold: 0.9, action: 'WARN' as const },
  { name: 'month', shortWindow: '1h', longWindow: '30d', threshold: 0.5 },
];

/** A service whose past is one stretch without end, and which then goes through others. */
function serviceOf(past: Stretch, stretches: readonly Stretch[]) {
  const begins: { readonly atMs: number; readonly stretch: Stretch }[] = [{ atMs: -Infinity, stretch: past }];
  let atMs = noon;
  for (const stretch of stretches) {
    begins.push({ atMs, stretch });
    atMs += stretch.ms;
  }
  const sums = (fromMs: number, toMs: number) => {
    let [good, total] = [0, 0];
    for (const [index, { atMs: begin, stretch }] of begins.entries()) {
      const end = begins[index + 1]?.atMs ?? Infinity;
      const seconds = Math.max(0, Math.min(end, toMs) - Math.max(begin, fromMs)) / 1_000;
      total += seconds * stretch.perSecond;
      good += seconds * stretch.perSecond * (1 - stretch.errors);
    }
    return { good, total };
  };
  const stretchAt = (ms: number) => begins.findLast((one) => one.atMs <= ms)?.stretch ?? past;
  return { endMs: atMs, stretchAt, sums };
}

type Service = ReturnType<typeof serviceOf>;

/** What reading a window now gives: sums over the window, as `increase` would. */
function readWindow(service: Service, window: Window, atMs: number, reads: { count: number }): WindowMeasurement {
  reads.count += 1;
  const { source } = service.stretchAt(atMs);
  const failure = { role: 'good', reason: 'timeout', detail: 'no answer', attempts: 1 } as const;
  if (source === 'no long windows' && window.lengthMs > 86_400_000)
    return { state: 'failed', failure, window, readAtMs: atMs };
  const { good, total } = service.sums(atMs - window.lengthMs, atMs);
  const values = (value: number) => ({ kind: 'series' as const, values: source === 'no series' ? [] : [value] });
  return { ...classifyWindow(values(good), values(total)), window, readAtMs: atMs };
}

/** An evaluation at an instant as the adapter makes it: a first request, and a second one where it is called for. */
function measureLeaning(slo: Slo, service: Service, kept: KeptWindows | null, atMs: number) {
  const { source } = service.stretchAt(atMs);
  const reads = { count: 0, requests: 1 };
  if (source === 'down') return { measurement: unmeasured(slo, atMs, 'unreachable', 'refused'), reads };
  const { read, kept: leaned, coverage } = windowsToRead(slo, windowsOf(slo), kept, atMs);
  const first = read.map((window) => readWindow(service, window, atMs, reads));
  const freshness = { state: 'ok', ages: [{ metric: 'm', ageMs: source === 'no series' ? null : 5_000 }] } as const;
  const warnings = source === 'doubtful' ? ['partial'] : [];
  const points = { state: 'ok', value: source === 'no series' ? 0 : 100 } as const;
  const soFar = { evaluatedAtMs: atMs, windows: first, freshness, points, warnings };
  const again = kept === null ? new Set<string>() : readAfterAll(slo, kept, leaned, soFar);
  if (again.size > 0) reads.requests += 1;
  const measurement: Measurement = {
    ...soFar,
    windows: windowsOf(slo).map((window) => {
      const now = first.find((one) => one.window === window);
      if (now !== undefined) return now;
      const old = leaned.find(({ name }) => name === window.name);
      if (old === undefined || again.has(window.name)) return readWindow(service, window, atMs, reads);
      return { state: 'ok', good: old.good, total: old.total, goodMissing: false, window, readAtMs: old.readAtMs };
    }),
    coverage: { state: 'ok', value: 1, ...(coverage !== null && { readAtMs: coverage.readAtMs }) },
    clockSkewMs: 0,
    infos: [],
    notes: [],
  };
  return { measurement, reads };
}

interface History {
  readonly interval: '1s' | '30s' | '5m';
  readonly past: Stretch;
  readonly stretches: readonly Stretch[];
  /** Of each evaluation: forced, or skipped as by a suspended machine. */
  readonly steps: readonly ('usual' | 'forced' | 'skipped')[];
}

const intervalsMs = { '1s': 1_000, '30s': 30_000, '5m': 300_000 } as const;

const stretch = (
  perSecond: fc.Arbitrary<number>,
  source: fc.Arbitrary<Stretch['source']>,
  leastMs: number,
): fc.Arbitrary<Stretch> =>
  fc.record({
    ms: fc.integer({ min: leastMs, max: 3_600_000 }),
    perSecond,
    errors: fc.oneof(fc.constantFrom(0, 0.0005, 0.001, 0.0011, 0.02, 1), fc.double({ min: 0, max: 0.01, noNaN: true })),
    source,
  });

const anything = stretch(
  fc.constantFrom(0, 1, 50, 1_000),
  fc.oneof(
    { weight: 4, arbitrary: fc.constant('answers' as const) },
    { weight: 1, arbitrary: fc.constantFrom('down' as const, 'no series' as const, 'doubtful' as const) },
    { weight: 1, arbitrary: fc.constant('no long windows' as const) },
  ),
  1_000,
);
const steady = stretch(fc.constant(100), fc.constant('answers' as const), 300_000);

const history = (kind: fc.Arbitrary<Stretch>): fc.Arbitrary<History> =>
  fc.record({
    interval: fc.constantFrom('1s' as const, '30s' as const, '5m' as const),
    past: fc.record({
      ms: fc.constant(0),
      perSecond: fc.constant(100),
      errors: fc.constantFrom(0, 0.0004, 0.0009),
      source: fc.constant('answers' as const),
    }),
    stretches: fc.array(kind, { minLength: 1, maxLength: 6 }),
    steps: fc.array(
      fc.oneof(
        { weight: 20, arbitrary: fc.constant('usual' as const) },
        { weight: 1, arbitrary: fc.constantFrom('forced' as const, 'skipped' as const) },
      ),
      { minLength: 40, maxLength: 40 },
    ),
  });

/** Goes through a history with both kinds of evaluation, and shows each pair of them. */
function goThrough({ interval, past, stretches, steps }: History, show: (pair: Pair) => void): Seen {
  const slo = anSlo({ interval, rules, objective: 0.999 });
  const intervalMs = intervalsMs[interval];
  const service = serviceOf(past, stretches);
  // The whole of a history at a coarse interval; of a fine one, a while around the beginning of each stretch.
  const count = Math.min(150, Math.ceil((service.endMs - noon) / intervalMs));
  let kept: KeptWindows | null = null;
  let before: { leaning: readonly BlockingRule[]; full: readonly BlockingRule[] } = { leaning: [], full: [] };
  const seen = { evaluations: 0, windows: 0, requests: 0, all: 0 };
  for (let index = 0; index < count; index += 1) {
    const step = steps[index % steps.length] ?? 'usual';
    if (step === 'skipped') continue;
    const atMs = noon + index * intervalMs;
    const { measurement, reads } = measureLeaning(slo, service, step === 'forced' ? null : kept, atMs);
    kept = keep(slo, kept, measurement);
    const full = measureLeaning(slo, service, null, atMs);
    const [leaning, whole] = [
      decide(slo, measurement, grownOlder(before.leaning, intervalMs)),
      decide(slo, full.measurement, grownOlder(before.full, intervalMs)),
    ];
    before = { leaning: leaning.blocking, full: whole.blocking };
    show({ slo, atMs, leaning: { ...leaning, measurement }, full: { ...whole, measurement: full.measurement } });
    seen.evaluations += 1;
    seen.windows += reads.count;
    seen.all += full.reads.count;
    seen.requests += reads.requests;
  }
  return seen;
}

type Decided = ReturnType<typeof decide> & { readonly measurement: Measurement };

interface Pair {
  readonly slo: Slo;
  readonly atMs: number;
  readonly leaning: Decided;
  readonly full: Decided;
}

interface Seen {
  readonly evaluations: number;
  readonly windows: number;
  readonly all: number;
  readonly requests: number;
}

const triggered = ({ rules: all }: Decided) => all.filter((rule) => rule.triggered).map(({ name }) => name);

describe('an evaluation that leans on kept windows, beside one that reads everything at the same instant', () => {
  it('comes to the same of every rule, and to the same decision but for what only a kept window shows', () => {
    fc.assert(
      fc.property(history(anything), (one) => {
        goThrough(one, ({ atMs, leaning, full }) => {
          expect(triggered(leaning)).toEqual(triggered(full));
          const lean = new Set(
            leaning.measurement.windows.filter(({ readAtMs }) => readAtMs !== atMs).map(({ window }) => window.name),
          );
          const onlyKept = full.measurement.windows.some(
            ({ state, window }) => lean.has(window.name) && state !== 'ok',
          );
          if (onlyKept) return;
          expect(leaning.decision).toBe(full.decision);
          expect(leaning.items.map(({ code }) => code)).toEqual(full.items.map(({ code }) => code));
        });
      }),
      { numRuns: 70 },
    );
  });

  it('leans on nothing older than length / 2,880, and shows then what only that window shows', () => {
    fc.assert(
      fc.property(history(anything), (one) => {
        goThrough(one, ({ atMs, leaning }) => {
          for (const { state, window, readAtMs } of leaning.measurement.windows) {
            if (readAtMs === atMs) continue;
            expect(state).toBe('ok');
            expect(atMs - readAtMs).toBeLessThanOrEqual(window.lengthMs / 2_880);
            expect(atMs - readAtMs).toBeGreaterThan(0);
          }
        });
      }),
      { numRuns: 40 },
    );
  });

  it('is right about the budget to 0.1 % at steady traffic', () => {
    fc.assert(
      fc.property(history(steady), (one) => {
        goThrough(one, ({ slo, leaning, full }) => {
          const [a, b] = [leaning, full].map(({ measurement }) => {
            const found = measurement.windows.find(({ window }) => window.name === '30d');
            return found?.state === 'ok' ? burnRate(errorRate(found.good, found.total), slo.errorBudget) : NaN;
          });
          expect(Math.abs((a ?? NaN) - (b ?? NaN))).toBeLessThanOrEqual(0.001 + 1e-9);
        });
      }),
      { numRuns: 70 },
    );
  });

  it('reads little, in one request, while nothing happens', () => {
    for (const [interval, share, most] of [
      ['5m', 0.95, 1.01],
      ['30s', 0.78, 1.01],
    ] as const) {
      const calm: Stretch = { ms: 86_400_000, perSecond: 100, errors: 0.0004, source: 'answers' };
      const seen = goThrough({ interval, past: calm, stretches: [calm], steps: ['usual'] }, () => undefined);
      expect(seen.windows / seen.all, interval).toBeLessThan(share);
      expect(seen.requests / seen.evaluations, interval).toBeLessThan(most);
    }
  });
});

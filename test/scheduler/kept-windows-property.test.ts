import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { burnRate, errorRate } from '../../src/eval/arithmetic.ts';
import type { Outcome } from '../../src/adapter/prometheus/client.ts';
import type { PartValues } from '../../src/adapter/prometheus/decode.ts';
import type { RequestFailure } from '../../src/adapter/prometheus/failure.ts';
import { measure } from '../../src/adapter/prometheus/measure.ts';
import type { Part } from '../../src/adapter/prometheus/part.ts';
import { createRequestBudget } from '../../src/adapter/prometheus/request-budget.ts';
import { createSplitMemory } from '../../src/adapter/prometheus/split-memory.ts';
import type { Inquiry } from '../../src/adapter/prometheus/union.ts';
import type { Clock } from '../../src/clock.ts';
import { keep } from '../../src/eval/keep.ts';
import type { KeptWindows } from '../../src/eval/kept.ts';
import type { Measurement } from '../../src/eval/measurement.ts';
import { decide } from '../../src/policy/decide.ts';
import type { BlockingRule } from '../../src/policy/gate-result.ts';
import { windowsOf, type Slo } from '../../src/slo/model.ts';
import { grownOlder, noon } from '../support/evaluation.ts';
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

const objective = 0.999;
const intervalsMs = { '1s': 1_000, '30s': 30_000, '5m': 300_000 } as const;
/** The windows are those of every interval. */
const anyInterval = anSlo({ rules, objective });

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

/** What the source says of a part of a query, by its tag: sums over the window, as `increase` would; of checks what is well. */
function answerOf(service: Service, { tag, window }: Part, atMs: number): PartValues {
  const { source } = service.stretchAt(atMs);
  const isSeen = source !== 'no series';
  const seen = (value: number): PartValues => ({ kind: 'values', values: isSeen ? [value] : [] });
  const what = tag.replace(/:.*/, '');
  switch (what) {
    case 'good':
    case 'total': {
      const lengthMs = windowsOf(anyInterval).find(({ name }) => name === window)?.lengthMs;
      if (lengthMs === undefined) throw new Error(`${tag} has no window of the SLO`);
      if (source === 'no long windows' && lengthMs > 86_400_000) return { kind: 'malformed', detail: 'no answer' };
      return seen(service.sums(atMs - lengthMs, atMs)[what]);
    }
    case 'age':
      return seen(5);
    case 'recent':
    case 'points':
      return seen(100);
    case 'covered':
      return seen(60);
    case 'past':
    case 'last':
    case 'begin':
    case 'before':
      return { kind: 'values', values: [] };
    default:
      throw new Error(`no answer is known to ${tag}`);
  }
}

const clock: Clock = { now: () => ({ wallMs: noon, monotonicMs: 0 }), sleep: () => Promise.resolve('elapsed') };
const refused: RequestFailure = {
  ...{ reason: 'unreachable', detail: 'refused', remedy: 'none', refused: false, asked: true },
};

/** An evaluation at an instant by the adapter of Prometheus, of which only the way to the source is replaced. */
async function measureLeaning(slo: Slo, service: Service, kept: KeptWindows | null, atMs: number) {
  const reads = { count: 0, requests: 0 };
  const { source } = service.stretchAt(atMs);
  const ask = ({ parts }: Inquiry): Promise<Outcome> => {
    reads.requests += 1;
    if (source === 'down') return Promise.resolve({ kind: 'failed', failure: refused });
    reads.count += parts.filter(({ tag }) => tag.startsWith('total:')).length;
    return Promise.resolve({
      kind: 'answer',
      parts: new Map(parts.map((part) => [part.tag, answerOf(service, part, atMs)])),
      warnings: source === 'doubtful' ? ['partial'] : [],
      infos: [],
      clockSkewMs: 0,
    });
  };
  const memory = createSplitMemory(() => 0);
  const tools = { ask, memory, budget: createRequestBudget(() => 0), clock, attempts: 1 };
  const breaker = { admit: () => ({ kind: 'admitted', leave: () => undefined }) as const };
  const request = { slo, windows: windowsOf(slo), kept, evaluatedAtMs: atMs, priority: 'scheduled' as const };
  return { measurement: await measure(request, tools, breaker, new AbortController().signal), reads };
}

interface History {
  readonly interval: '1s' | '30s' | '5m';
  readonly past: Stretch;
  readonly stretches: readonly Stretch[];
  /** Of each evaluation: forced, or skipped as by a suspended machine. */
  readonly steps: readonly ('usual' | 'forced' | 'skipped')[];
}

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
async function goThrough({ interval, past, stretches, steps }: History, show: (pair: Pair) => void): Promise<Seen> {
  const slo = anSlo({ interval, rules, objective });
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
    const { measurement, reads } = await measureLeaning(slo, service, step === 'forced' ? null : kept, atMs);
    kept = keep(slo, kept, measurement);
    const full = await measureLeaning(slo, service, null, atMs);
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
  it('comes to the same of every rule, and to the same decision but for what only a kept window shows', async () => {
    await fc.assert(
      fc.asyncProperty(history(anything), async (one) => {
        await goThrough(one, ({ atMs, leaning, full }) => {
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

  it('leans on nothing older than length / 2,880, and shows then what only that window shows', async () => {
    await fc.assert(
      fc.asyncProperty(history(anything), async (one) => {
        await goThrough(one, ({ atMs, leaning }) => {
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

  it('is right about the budget to 0.1 % at steady traffic', async () => {
    await fc.assert(
      fc.asyncProperty(history(steady), async (one) => {
        await goThrough(one, ({ slo, leaning, full }) => {
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

  it('reads little, in one request, while nothing happens', async () => {
    for (const [interval, share, most] of [
      ['5m', 0.95, 1.01],
      ['30s', 0.78, 1.01],
    ] as const) {
      const calm: Stretch = { ms: 86_400_000, perSecond: 100, errors: 0.0004, source: 'answers' };
      const seen = await goThrough({ interval, past: calm, stretches: [calm], steps: ['usual'] }, () => undefined);
      expect(seen.windows / seen.all, interval).toBeLessThan(share);
      expect(seen.requests / seen.evaluations, interval).toBeLessThan(most);
    }
  });
});

import { describe, expect, it } from 'vitest';
import { keep } from '../../src/eval/keep.ts';
import { readAfterAll, windowsToRead } from '../../src/eval/kept-windows.ts';
import type { KeptWindows } from '../../src/eval/kept.ts';
import type { Measurement, WindowState } from '../../src/eval/measurement.ts';
import { windowsOf, type Slo } from '../../src/slo/model.ts';
import { aMeasurement, noon } from '../support/evaluation.ts';
import { anSlo, type SloOptions } from '../support/slo.ts';

const second = 1_000;
const minute = 60 * second;
const day = 24 * 60 * minute;

const rules = [
  { name: 'fast', shortWindow: '5m', longWindow: '1h', threshold: 14 },
  { name: 'slow', shortWindow: '6h', longWindow: '3d', threshold: 1 },
];
const every30s = (options: SloOptions = {}) => anSlo({ interval: '30s', rules, ...options });
const ok = (good: number, total = 100_000): WindowState => ({ state: 'ok', good, total, goodMissing: false });
/** A window that burns at so many times the budget of 0.5 %. */
const burning = (times: number, total = 100_000) => ok(total - total * 0.005 * times, total);
const failure = { role: 'good', reason: 'timeout', detail: 'no answer', attempts: 1 } as const;
const failed: WindowState = { state: 'failed', failure };
const empty: WindowState = { state: 'noData', cause: 'total is 0' };
const gone: WindowState = { state: 'noData', cause: 'no series match' };
const ended = { metric: 'm', ageMs: null };

function measured(slo: Slo, atMs: number, windows: Record<string, WindowState> = {}, rest: Partial<Measurement> = {}) {
  return aMeasurement(slo, windows, { evaluatedAtMs: atMs, ...rest });
}

/** What is kept after two evaluations that read everything at noon, so that nothing of it is kept for a shorter time. */
function keptAtNoon(slo: Slo, windows: Record<string, WindowState> = {}, rest: Partial<Measurement> = {}): KeptWindows {
  const first = keep(slo, null, measured(slo, noon - minute));
  const kept = keep(slo, first, measured(slo, noon, windows, rest));
  if (kept === null) throw new Error('nothing was kept');
  return kept;
}

const leaned = (slo: Slo, kept: KeptWindows | null, atMs: number) =>
  windowsToRead(slo, windowsOf(slo), kept, atMs).kept.map(({ name }) => name);

/** What is read in a second request at an instant, where the first one finds these windows. */
function again(
  slo: Slo,
  kept: KeptWindows,
  atMs: number,
  found: Record<string, WindowState>,
  rest: Partial<Measurement> = {},
) {
  const { read, kept: leanedOn } = windowsToRead(slo, windowsOf(slo), kept, atMs);
  const all = measured(slo, atMs, found, rest);
  const windows = all.windows.filter(({ window }) => read.some(({ name }) => name === window.name));
  return [...readAfterAll(slo, kept, leanedOn, { ...all, windows })];
}

describe('the windows that an evaluation leans on', () => {
  it('are those longer than 2,880 intervals that are no rule of the short kind', () => {
    const slo = every30s();
    expect(leaned(slo, keptAtNoon(slo), noon + 30 * second)).toEqual(['30d', '3d']);
    // One day is 2,880 intervals of 30 s, and not longer.
    const day30s = every30s({ rules: [{ name: 'r', shortWindow: '5m', longWindow: '1d', threshold: 1 }] });
    expect(leaned(day30s, keptAtNoon(day30s), noon + second)).toEqual(['30d']);
    const shortToo = every30s({
      rules: [...rules, { name: 'long', shortWindow: '3d', longWindow: '7d', threshold: 1 }],
    });
    expect(leaned(shortToo, keptAtNoon(shortToo), noon + second)).toEqual(['30d', '7d']);
    const readme = anSlo();
    expect(leaned(readme, keptAtNoon(readme), noon + 5 * minute)).toEqual(['30d']);
  });

  it('are told apart by name', () => {
    const slo = every30s({
      rules: [{ name: 'r', shortWindow: '5m', longWindow: '72h', threshold: 1 }],
      complianceWindow: '3d',
    });
    expect(leaned(slo, keptAtNoon(slo), noon + second)).toEqual(['3d', '72h']);
  });

  it('are read again when older than their length / 2,880, and not before', () => {
    const slo = every30s();
    const kept = keptAtNoon(slo);
    expect(leaned(slo, kept, noon + 90 * second)).toEqual(['30d', '3d']);
    expect(leaned(slo, kept, noon + 90 * second + 1)).toEqual(['30d']);
    const later = { ...kept, asOfMs: noon + 15 * minute };
    expect(leaned(slo, later, noon + 15 * minute)).toEqual(['30d']);
    expect(leaned(slo, later, noon + 15 * minute + 1)).toEqual([]);
  });

  it('are none where nothing is kept, or a clock was set back', () => {
    const slo = every30s();
    expect(leaned(slo, null, noon)).toEqual([]);
    expect(leaned(slo, keptAtNoon(slo), noon - 1)).toEqual([]);
    const setBack = { ...keptAtNoon(slo), asOfMs: noon - minute };
    expect(leaned(slo, setBack, noon - 1)).toEqual([]);
  });
});

describe('a kept window is read again in the same evaluation', () => {
  const slo = every30s();
  const kept = keptAtNoon(slo);
  const soon = noon + 30 * second;

  it('where a rule has its short window at the threshold, within the tolerance of the policy', () => {
    expect(again(slo, kept, soon, {})).toEqual([]);
    // 1 − 1e-12 of the threshold of 1 is reached, 1 − 1e-6 is not.
    expect(again(slo, kept, soon, { '6h': burning(1 - 1e-12) })).toEqual(['3d']);
    expect(again(slo, kept, soon, { '6h': burning(1 - 1e-6) })).toEqual([]);
  });

  it('for each of several rules that need it, whatever their action', () => {
    const long = { longWindow: '3d', threshold: 2 };
    const several = every30s({
      rules: [
        { name: 'a', shortWindow: '30m', ...long, action: 'ALLOW' },
        { name: 'b', shortWindow: '6h', ...long, action: 'WARN' },
        { name: 'c', shortWindow: '5m', longWindow: '30d', threshold: 3 },
      ],
    });
    const keptOfIt = keptAtNoon(several);
    expect(again(several, keptOfIt, soon, { '30m': burning(2) })).toEqual(['3d']);
    expect(again(several, keptOfIt, soon, { '6h': burning(2) })).toEqual(['3d']);
    // The compliance window is a rule's long one here.
    expect(again(several, keptOfIt, soon, { '5m': burning(3) })).toEqual(['30d', '3d']);
  });

  it('where its burn rate may have moved by more than 0.001', () => {
    // 5m at 4.4 times for 30 s: 0.0005 of 3d; and no rise, as it was so before.
    const steady = keptAtNoon(slo, { '5m': burning(4.4) });
    expect(again(slo, steady, soon, { '5m': burning(4.4) })).toEqual([]);
    const later = keep(slo, steady, leaning(slo, steady, soon, { '5m': burning(4.4) }));
    expect(later?.windows.map(({ name }) => name)).toEqual(['30d', '3d']);
    expect(later?.windows[1]?.moved).toBeCloseTo((4.4 * 30) / (3 * 86_400), 9);
    // The next 30 s would be too much: then it is read at once, not in a second request.
    expect(windowsToRead(slo, windowsOf(slo), later, soon + 30 * second).kept.map(({ name }) => name)).toEqual(['30d']);
  });

  it('where an outage has just begun: a rise of the shortest window counts at once', () => {
    // Total outage for 10 s: 5m shows a thirtieth of it, for 10 s a thirtieth of that.
    const outage = { '5m': burning(200 / 30) };
    const found = again(slo, keptAtNoon(slo, { '5m': burning(0) }), noon + 10 * second, outage);
    expect(found).toContain('3d');
    expect(again(slo, keptAtNoon(slo, outage), noon + 10 * second, outage)).toEqual([]);
  });

  it('sooner where traffic is heavier than it was on average', () => {
    const steady = keptAtNoon(slo, { '5m': burning(2, 50_000) });
    expect(again(slo, steady, soon, { '5m': burning(2, 50_000) })).toEqual([]);
    const busy = keptAtNoon(slo, { '5m': burning(2, 500_000) });
    expect(again(slo, busy, soon, { '5m': burning(2, 500_000) })).toEqual(['3d']);
  });

  it.each<[string, Record<string, WindowState>, Partial<Measurement>]>([
    ['has failed', { '5m': failed }, {}],
    ['has no series', { '5m': gone }, {}],
    ['is 0 of no series', { '5m': empty }, { points: { state: 'ok', value: 0 } }],
    ['is 0 of we know not how many', { '5m': empty }, { points: { state: 'failed', failure } }],
    ['is 0 where a series has ended', { '5m': empty }, { freshness: { state: 'ok', ages: [ended] } }],
    ['is 0 of old samples', { '5m': empty }, { freshness: { state: 'ok', ages: [{ ...ended, ageMs: 601 * second }] } }],
    ['is 0 but good is not', { '5m': { state: 'noData', cause: 'total is 0 but good is not' } }, {}],
    ['has old samples', {}, { freshness: { state: 'ok', ages: [{ metric: 'm', ageMs: 601 * second }] } }],
    ['has samples of an age that is not known', {}, { freshness: { state: 'failed', failure } }],
    ['is doubted by its source', {}, { warnings: ['store unreachable'] }],
  ])('where the shortest window %s', (_, found, rest) => {
    expect(again(slo, kept, soon, found, rest)).toEqual(['30d', '3d']);
    expect(keep(slo, kept, leaning(slo, kept, soon, found, rest))).toBeNull();
  });

  it('where more time has passed than the shortest window looks back over, unless a longer one covers it', () => {
    const late = noon + 14 * minute;
    const quiet = { ...kept, windows: kept.windows.map((one) => ({ ...one, untilMs: noon + day })) };
    const calm = { '5m': burning(0), '1h': burning(0), '6h': burning(0) };
    expect(again(slo, quiet, late, calm)).toEqual([]);
    // All errors of the last hour may have come in these 14 minutes: 1 × 1h / 30d is 0.0014.
    expect(again(slo, quiet, late, { ...calm, '1h': burning(1) })).toEqual(['30d']);
    // The longer one covers it too, but the shortest that does tells more.
    expect(again(slo, quiet, late, { ...calm, '6h': burning(0.9) })).toEqual([]);
    expect(again(slo, quiet, late, { ...calm, '1h': failed, '6h': burning(0.9) })).toEqual(['30d']);
    expect(again(slo, quiet, late, { ...calm, '1h': failed, '6h': failed })).toEqual(['30d']);
  });
});

describe('a service that nobody asks', () => {
  const slo = every30s();
  const silent = { '5m': empty, '1h': empty, '6h': empty };

  it('spends nothing, so that its long windows stay for their time', () => {
    let kept: KeptWindows | null = keptAtNoon(slo, { '5m': burning(2) });
    for (let atMs = noon + 30 * second; atMs <= noon + 90 * second; atMs += 30 * second) {
      expect(again(slo, kept, atMs, silent)).toEqual([]);
      kept = keep(slo, kept, leaning(slo, kept, atMs, silent));
      if (kept === null) throw new Error('nothing was kept');
      expect(kept).toMatchObject({ asOfMs: atMs, burnRate: 0, windows: [{ moved: 0 }, { moved: 0 }] });
    }
    // Its first errors are as many as they can be in the time that the shortest window shows.
    expect(again(slo, kept, noon + 90 * second, { ...silent, '5m': burning(10, 10) })).toEqual(['30d', '3d']);
  });

  it('has spent nothing while nobody looked, where a window that covers the time was silent', () => {
    const kept = keptAtNoon(slo);
    const late = noon + 14 * minute;
    expect(again(slo, kept, late, silent)).toEqual([]);
    expect(again(slo, kept, late, { ...silent, '1h': burning(1) })).toEqual(['30d']);
    expect(again(slo, kept, late, { '5m': empty, '1h': gone, '6h': failed })).toEqual(['30d']);
  });
});

/** The measurement of an evaluation that leans on what is kept and reads nothing again. */
function leaning(
  slo: Slo,
  kept: KeptWindows,
  atMs: number,
  found: Record<string, WindowState>,
  rest: Partial<Measurement> = {},
) {
  const all = measured(slo, atMs, found, rest);
  const { kept: leanedOn } = windowsToRead(slo, windowsOf(slo), kept, atMs);
  const windows = all.windows.map((one) => {
    const old = leanedOn.find(({ name }) => name === one.window.name);
    if (old === undefined) return one;
    return { ...ok(old.good, old.total), window: one.window, readAtMs: old.readAtMs };
  });
  return { ...all, windows };
}

describe('what an evaluation keeps', () => {
  const slo = every30s();
  const names = (kept: KeptWindows | null) => kept?.windows.map(({ name }) => name);

  it.each<[string, WindowState]>([
    ['failed', failed],
    ['had no data', empty],
    ['had no series of good', { state: 'ok', good: 0, total: 10, goodMissing: true }],
    ['has more good than total', ok(100_900)],
  ])('is no window that %s', (_, state) => {
    expect(names(keptAtNoon(slo, { '3d': state }))).toEqual(['30d']);
  });

  it('is a window whose good exceeds total by a rounding', () => {
    expect(names(keptAtNoon(slo, { '3d': ok(100_000.000_01) }))).toEqual(['30d', '3d']);
  });

  it('is no window on which a rule hangs: the next evaluation reads it at once', () => {
    expect(names(keptAtNoon(slo, { '6h': burning(1) }))).toEqual(['30d']);
  });

  it('is what was kept before where nothing could be read, and the time counts', () => {
    const kept = keptAtNoon(slo);
    const dead = measured(slo, noon + minute, {
      '*': failed,
      ...Object.fromEntries(windowsOf(slo).map(({ name }) => [name, failed])),
    });
    expect(keep(slo, kept, dead)).toBe(kept);
  });

  it('keeps the coverage in the same way, but not one that is a WARN', () => {
    const covered = every30s({ gating: { minCoverage: 0.9 } });
    expect(keptAtNoon(covered).coverage).toMatchObject({ value: 1, readAtMs: noon, untilMs: noon + 90 * second });
    expect(keptAtNoon(covered, {}, { coverage: { state: 'ok', value: 0.8 } }).coverage).toBeNull();
    expect(keptAtNoon(covered, {}, { coverage: { state: 'failed', failure } }).coverage).toBeNull();
    expect(keptAtNoon(slo, {}, { coverage: { state: 'ok', value: 0.8 } }).coverage).toMatchObject({ value: 0.8 });
    const at = (ms: number) => windowsToRead(covered, windowsOf(covered), keptAtNoon(covered), ms).coverage;
    expect(at(noon + 90 * second)).not.toBeNull();
    expect(at(noon + 90 * second + 1)).toBeNull();
    const shortRules = every30s({ rules: [{ name: 'r', shortWindow: '5m', longWindow: '6h', threshold: 1 }] });
    expect(keptAtNoon(shortRules).coverage).toBeNull();
  });

  it('is spread over a thousand SLOs that were read in the same second, and stays so', () => {
    const dueIn = Array.from({ length: 1_000 }, (_, index) => {
      const one = every30s({ id: `slo-${index}` });
      const kept = keep(one, null, measured(one, noon));
      return ((kept?.windows.find(({ name }) => name === '30d')?.untilMs ?? 0) - noon) / minute;
    });
    for (let from = 0; from < 15; from += 1) {
      const due = dueIn.filter((at) => at >= from && at < from + 1).length;
      expect(due, `in minute ${from}`).toBeGreaterThan(30);
      expect(due, `in minute ${from}`).toBeLessThan(110);
    }
    expect(keptAtNoon(slo).windows[0]?.untilMs).toBe(noon + 15 * minute);
  });
});

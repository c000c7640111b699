import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Reading } from '../../src/eval/measurement.ts';
import { classifyWindow } from '../../src/eval/reading.ts';

const series = (...values: number[]): Reading => ({ kind: 'series', values });
const failed = (role: 'good' | 'total'): Reading => ({
  kind: 'failed',
  failure: { role, reason: 'timeout', detail: `no answer to ${role}`, attempts: 2 },
});

describe('classifyWindow', () => {
  it('adds up the series of each query', () => {
    expect(classifyWindow(series(90, 3), series(100))).toEqual({
      state: 'ok',
      good: 93,
      total: 100,
      goodMissing: false,
    });
  });

  it('keeps a good above total as it was read', () => {
    expect(classifyWindow(series(103), series(100))).toMatchObject({ state: 'ok', good: 103, total: 100 });
  });

  it('reports the failure of good before that of total', () => {
    expect(classifyWindow(failed('good'), failed('total'))).toMatchObject({ failure: { role: 'good', attempts: 2 } });
    expect(classifyWindow(series(1), failed('total'))).toMatchObject({ state: 'failed', failure: { role: 'total' } });
  });

  it.each([
    ['good', series(-5), series(100)],
    ['total', series(5), series(-100)],
    ['good', series(200, -5), series(100)],
    ['total', series(5), series(200, -0.5)],
  ] as const)(
    'takes a finite negative series of %s as a failed query, though the sum is positive',
    (role, good, total) => {
      expect(classifyWindow(good, total)).toMatchObject({ state: 'failed', failure: { role, reason: 'malformed' } });
    },
  );

  it('puts failed before no data', () => {
    expect(classifyWindow(series(-5), series(NaN)).state).toBe('failed');
    expect(classifyWindow(failed('good'), series()).state).toBe('failed');
  });

  it.each([
    ['NaN', series(NaN), series(100)],
    ['NaN', series(99), series(NaN, 100)],
    ['NaN', series(99), series(Infinity)],
    ['NaN', series(-Infinity), series(100)],
    ['NaN', series(99), series(Infinity, -Infinity)],
    ['NaN', series(NaN), series(0)],
    ['NaN', series(1), series(1e308, 1e308)],
    ['no series match', series(99), series()],
    ['no series match', series(), series()],
    ['total is 0', series(0), series(0)],
    ['total is 0', series(), series(0, 0)],
    ['total is 0 but good is not', series(5), series(-0)],
  ] as const)('has no data: %s', (cause, good, total) => {
    expect(classifyWindow(good, total)).toEqual({ state: 'noData', cause });
  });

  it('takes an empty good under traffic as 0, and says so', () => {
    expect(classifyWindow(series(), series(100))).toEqual({ state: 'ok', good: 0, total: 100, goodMissing: true });
  });

  it('is ok only with finite numbers and a positive total, whatever was read', () => {
    const reading = fc.oneof(
      fc.array(fc.double(), { maxLength: 4 }).map((values) => series(...values)),
      fc.constant(failed('good')),
    );
    fc.assert(
      fc.property(reading, reading, (good, total) => {
        const window = classifyWindow(good, total);
        if (window.state !== 'ok') return;
        expect(good.kind).toBe('series');
        expect(total.kind).toBe('series');
        expect(window.total).toBeGreaterThan(0);
        expect(Number.isFinite(window.total) && Number.isFinite(window.good)).toBe(true);
        expect(window.good).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('does not depend on the order of the series', () => {
    const values = fc.array(fc.constantFrom(NaN, Infinity, -1, 0, 1, 2, 50), { maxLength: 5 });
    fc.assert(
      fc.property(values, values, (good, total) => {
        expect(classifyWindow(series(...good), series(...total)).state).toBe(
          classifyWindow(series(...good.toReversed()), series(...total.toReversed())).state,
        );
      }),
    );
  });
});

import { describe, expect, it } from 'vitest';
import { parse } from '../../src/promql/analyze.ts';
import { unguardedSubtraction } from '../../src/promql/subtraction.ts';
import { withStandInWindow } from '../../src/promql/window-placeholder.ts';

const subtractionIn = (query: string) => unguardedSubtraction(query, parse(withStandInWindow(query)));

describe('a subtraction whose subtrahend may have no series', () => {
  it('is found, with the same difference written so that it holds without errors', () => {
    const query = 'sum(rate(r[{{window}}])) - sum(rate(r{s="5xx"}[{{window}}]))';
    expect(subtractionIn(query)).toEqual({
      offset: 0,
      remedy: '(sum(rate(r[{{window}}]))) - ((sum(rate(r{s="5xx"}[{{window}}]))) or 0 * (sum(rate(r[{{window}}]))))',
    });
  });

  it.each(['sum(a - b)', '(a) - (b)', 'clamp_min(a - sum(b), 0)', 'a - b * 2'])('is found in %s', (query) => {
    expect(subtractionIn(query)?.remedy).toBeDefined();
  });

  it.each([
    ['1 - b / a', 'the minuend is a scalar'],
    ['a - on (x) b', 'matching would have to be kept'],
    ['a - b - c', 'there are two'],
    ['sum(a # total\n) - b', 'a comment would swallow the rest'],
    [`a{x="${'y'.repeat(1000)}"} - b`, 'the text would be long'],
  ])('is found in %s without a remedy where %s', (query) => {
    expect(subtractionIn(query)).toBeDefined();
    expect(subtractionIn(query)?.remedy).toBeUndefined();
  });

  it.each([
    'a - (b or 0 * a)',
    'a - (b or vector(0))',
    'sum(a) - sum(b or 0 * a)',
    'a - 5',
    'a - scalar(b)',
    'a - vector(1)',
    'sum(a) / sum(b)',
    'a{x="b - c"}',
    'not promql',
  ])('is not seen in %s', (query) => {
    expect(subtractionIn(query)).toBeUndefined();
  });
});

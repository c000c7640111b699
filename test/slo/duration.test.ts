import { describe, expect, it } from 'vitest';
import { parseDuration } from '../../src/slo/duration.ts';

describe('parseDuration', () => {
  it.each([
    ['30s', 30_000],
    ['5m', 300_000],
    ['60m', 3_600_000],
    ['6h', 21_600_000],
    ['30d', 2_592_000_000],
    ['05m', 300_000],
    ['106751d', 106_751 * 86_400_000],
  ])('%s is %d ms, and keeps its spelling', (text, ms) => {
    expect(parseDuration(text)).toEqual({ text, ms });
  });

  it.each([
    '',
    '5',
    'm',
    '0s',
    '000h',
    '5w',
    '1y',
    '-5m',
    '+5m',
    '5 m',
    ' 5m',
    '5m\n',
    '1.5h',
    '1h30m',
    '5M',
    '106752d',
    '9'.repeat(400) + 'd',
  ])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

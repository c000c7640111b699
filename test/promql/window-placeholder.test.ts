import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { analyze } from '../../src/promql/analyze.ts';
import { hasPlaceholder, substituteWindow, withStandInWindow } from '../../src/promql/window-placeholder.ts';

describe('the window placeholder', () => {
  it.each([
    ['rate(a[{{window}}])', 'rate(a[1h])'],
    ['rate(a[{{ window }}])', 'rate(a[1h])'],
    ['job:errors:rate{{window}} / job:requests:rate{{window}}', 'job:errors:rate1h / job:requests:rate1h'],
    ['a{window="{{window}}"}', 'a{window="1h"}'],
  ])('%s becomes %s', (query, substituted) => {
    expect(hasPlaceholder(query)).toBe(true);
    expect(substituteWindow(query, '1h')).toBe(substituted);
    expect(analyze(substituted).ok).toBe(true);
  });

  it.each(['rate(a[5m])', '{{Window}}', '{{.window}}', '{window}', ''])('%s has none', (query) => {
    expect(hasPlaceholder(query)).toBe(false);
    expect(substituteWindow(query, '1h')).toBe(query);
  });

  it('takes the name literally', () => {
    expect(substituteWindow('a{{window}}b', '$&')).toBe('a$&b');
  });

  it('has a stand-in of the same length that Prometheus reads as a duration', () => {
    const spaces = fc.constantFrom('', ' ', '   ', '\n');
    fc.assert(
      fc.property(spaces, spaces, fc.string(), (before, after, rest) => {
        const query = `rate(a[{{${before}window${after}}}]) # ${rest}`;
        expect(withStandInWindow(query)).toHaveLength(query.length);
        expect(hasPlaceholder(withStandInWindow(query))).toBe(false);
      }),
    );
    expect(analyze(withStandInWindow('rate(a[{{window}}])'))).toMatchObject({
      ok: true,
      selectors: [{ rangeMs: 300_000 }],
    });
  });
});

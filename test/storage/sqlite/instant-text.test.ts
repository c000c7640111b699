import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { instantText, lowestInstantText, parseInstant, rfc3339 } from '../../../src/storage/sqlite/instant-text.ts';

const anInstant = fc.integer({ min: 0, max: Date.UTC(2100, 0, 1) });

describe('instants as text', () => {
  it('sort as the instants do', () => {
    fc.assert(
      fc.property(anInstant, anInstant, (a, b) => {
        expect(instantText(a) < instantText(b)).toBe(a < b);
      }),
    );
  });

  it('are read as they were written', () => {
    fc.assert(
      fc.property(anInstant, (ms) => {
        expect(parseInstant(instantText(ms))).toEqual({ epochMs: ms, restNs: 0 });
      }),
    );
  });

  it('have no earlier text in any form', () => {
    fc.assert(
      fc.property(anInstant, (ms) => {
        const byHand = instantText(ms).replace(/\.\d{3}$/, '');
        expect(lowestInstantText(ms) <= instantText(ms)).toBe(true);
        expect(lowestInstantText(ms) <= byHand).toBe(ms % 1000 === 0);
      }),
    );
  });

  it('are served as the parser reads them, be they instants of the calendar or not', () => {
    const digits = (max: number, width: number) => fc.nat({ max }).map((value) => String(value).padStart(width, '0'));
    const parts = [
      digits(9999, 4),
      digits(14, 2),
      digits(33, 2),
      digits(25, 2),
      digits(61, 2),
      digits(61, 2),
      digits(999, 3),
    ];
    fc.assert(
      fc.property(fc.tuple(...parts), ([year, month, day, hour, minute, second, ms]) => {
        const text = `${year}-${month}-${day} ${hour}:${minute}:${second}.${ms}`;
        const instant = parseInstant(text);
        expect(rfc3339(text)).toBe(instant === null ? text : new Date(instant.epochMs).toISOString());
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['2026-11-21 03:18:07.697288765-05:00', '2026-11-21T08:18:07.697Z', 288_765],
    ['2026-11-21 08:17:02.5+00:00', '2026-11-21T08:17:02.500Z', 0],
    ['2026-11-21T08:17:02.123456Z', '2026-11-21T08:17:02.123Z', 456_000],
    ['2026-11-21 13:47:02+0530', '2026-11-21T08:17:02.000Z', 0],
    ['2026-11-21 08:17:02', '2026-11-21T08:17:02.000Z', 0],
    ['2026-11-21 08:17', '2026-11-21T08:17:00.000Z', 0],
  ])('%s is %s', (text, expected, restNs) => {
    expect(rfc3339(text)).toBe(expected);
    expect(parseInstant(text)?.restNs).toBe(restNs);
  });

  it.each(['', 'yesterday', '2026-13-01 00:00:00', '1700000000', '2026-11-21'])(
    '%j is none, and is served as it stands',
    (text) => {
      expect(parseInstant(text)).toBeNull();
      expect(rfc3339(text)).toBe(text);
    },
  );
});

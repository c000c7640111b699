import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createGrowth } from '../../../src/storage/sqlite/retention/growth.ts';

const minuteMs = 60_000;

it('says nothing of less than an hour', () => {
  const growth = createGrowth();
  for (let minutes = 1; minutes <= 60; minutes++) {
    expect(growth.perDay()).toBeNull();
    growth.add({ bytes: 1_000, overMs: minuteMs });
  }
  expect(growth.perDay()).toBeCloseTo(1_440_000, 6);
});

it('is the mean of the last day, whatever was before', () => {
  const rates = fc.record({ before: fc.nat(1e9), bytes: fc.nat(1e6), hours: fc.integer({ min: 1, max: 30 }) });
  fc.assert(
    fc.property(rates, ({ before, bytes, hours }) => {
      const growth = createGrowth();
      for (let hour = 0; hour < hours; hour++) growth.add({ bytes: before, overMs: 60 * minuteMs });
      for (let minute = 0; minute < 25 * 60; minute++) growth.add({ bytes, overMs: minuteMs });
      expect(growth.perDay()).toBeCloseTo(bytes * 1_440, 3);
    }),
    { numRuns: 20 },
  );
});

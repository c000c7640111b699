import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errorBudget } from '../../src/slo/error-budget.ts';

describe('errorBudget', () => {
  it.each([
    [0.995, 0.005],
    [0.99, 0.01],
    [0.5, 0.5],
    [0.9, 0.1],
    [0.99999999, 1e-8],
    [0.999999999, 1e-9],
    [0.0001, 0.9999],
    [1e-7, 0.9999999],
    [1.5e-10, 0.99999999985],
  ])('of %d is %d, exactly', (objective, budget) => {
    expect(errorBudget(objective)).toBe(budget);
  });

  it('is the double nearest to 1 − objective for every decimal of up to 15 digits', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 15 }), fc.maxSafeNat(), (digits, seed) => {
        const scale = 10n ** BigInt(digits);
        const numerator = (BigInt(seed) % (scale - 1n)) + 1n;
        const decimal = (value: bigint) => Number(`0.${value.toString().padStart(digits, '0')}`);
        expect(errorBudget(decimal(numerator))).toBe(decimal(scale - numerator));
      }),
    );
  });

  it('is never 0 or less, so that a burn rate is never divided by nothing', () => {
    const objective = fc.double({ min: 0, max: 1, minExcluded: true, maxExcluded: true, noNaN: true });
    fc.assert(fc.property(objective, (x) => errorBudget(x) > 0 && errorBudget(x) <= 1));
  });
});

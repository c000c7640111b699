import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failOnLevels, holdReason, worstVerdict, type Verdict } from '../../src/cli/judge.ts';
import { reasonCodes } from '../../src/policy/gate-result.ts';

const proven = ['rule_triggered', 'no_traffic', 'few_points', 'impossible_data', 'gaps'];
const unproven = [
  'query_failed',
  'held',
  'stale',
  'overdue',
  'missing_total',
  'missing_good',
  'partial',
  'clock_skew',
  'not_evaluated',
  'file_error',
];

describe('what holds a deployment', () => {
  test('every code is either proven, unproven or ok', () => {
    expect([...proven, ...unproven, 'ok'].sort()).toEqual([...reasonCodes].sort());
  });

  test.each(proven)('a WARN for %s goes on, and is held where every WARN is', (code) => {
    const answer = { decision: 'WARN', reasonCodes: [code] } as const;
    expect(holdReason(answer, 'unproven')).toBeNull();
    expect(holdReason(answer, 'block')).toBeNull();
    expect(holdReason(answer, 'warn')).toContain('WARN');
  });

  test.each([...unproven, 'a_code_of_tomorrow'])('a WARN for %s is held, alone and among others', (code) => {
    expect(holdReason({ decision: 'WARN', reasonCodes: [code] }, 'unproven')).toContain(code);
    expect(holdReason({ decision: 'WARN', reasonCodes: ['few_points', code] }, 'unproven')).toContain(code);
    expect(holdReason({ decision: 'WARN', reasonCodes: [code] }, 'block')).toBeNull();
  });

  test('a WARN that does not say why is held', () => {
    expect(holdReason({ decision: 'WARN', reasonCodes: [] }, 'unproven')).toContain('without a code');
    expect(holdReason({ decision: 'WARN', reasonCodes: ['ok'] }, 'unproven')).toContain('without a code');
  });

  test('an ALLOW goes on; not where its codes say that the truth is not known', () => {
    for (const failOn of failOnLevels)
      expect(holdReason({ decision: 'ALLOW', reasonCodes: ['ok'] }, failOn)).toBeNull();
    expect(holdReason({ decision: 'ALLOW', reasonCodes: ['ok', 'no_traffic'] }, 'unproven')).toBeNull();
    expect(holdReason({ decision: 'ALLOW', reasonCodes: ['a_code_of_tomorrow'] }, 'unproven')).toBeNull();
    expect(holdReason({ decision: 'ALLOW', reasonCodes: ['ok', 'stale'] }, 'unproven')).toContain('stale');
  });

  const anyCodes = fc.array(fc.oneof(fc.constantFrom(...reasonCodes), fc.string()));
  const anyDecision = fc.constantFrom('ALLOW', 'WARN', 'BLOCK');

  test('by default only an ALLOW, or a WARN with proven codes alone, goes on', () => {
    fc.assert(
      fc.property(anyDecision, anyCodes, (decision, codes) => {
        if (holdReason({ decision, reasonCodes: codes }, 'unproven') !== null) return;
        if (decision === 'ALLOW') {
          expect(codes.some((code) => unproven.includes(code))).toBe(false);
          return;
        }
        expect(decision).toBe('WARN');
        expect(codes.every((code) => proven.includes(code) || code === 'ok')).toBe(true);
        expect(codes.some((code) => proven.includes(code))).toBe(true);
      }),
    );
  });

  test('a stricter level never lets through what a laxer one holds', () => {
    fc.assert(
      fc.property(anyDecision, anyCodes, (decision, codes) => {
        const held = failOnLevels.map((failOn) => holdReason({ decision, reasonCodes: codes }, failOn) !== null);
        expect(held).toEqual([...held].sort((a, b) => Number(a) - Number(b)));
      }),
    );
  });
});

describe('the worst of several', () => {
  const anyVerdict = fc.constantFrom<Verdict>('goOn', 'blocked', 'noDecision');

  test('goes on only where there is one and all go on', () => {
    fc.assert(
      fc.property(fc.array(anyVerdict), (verdicts) => {
        const goesOn = verdicts.length > 0 && verdicts.every((verdict) => verdict === 'goOn');
        expect(worstVerdict(verdicts) === 'goOn').toBe(goesOn);
      }),
    );
  });

  test('a known BLOCK stays one, whatever could not be asked', () => {
    expect(worstVerdict(['noDecision', 'blocked', 'goOn'])).toBe('blocked');
    expect(worstVerdict(['noDecision', 'goOn'])).toBe('noDecision');
  });
});

import { describe, expect, it } from 'vitest';
import { encodeEvidence } from '../../../src/policy/evidence.ts';
import { evaluationRow } from '../../../src/storage/sqlite/rows.ts';
import { anSlo } from '../../support/slo.ts';
import { makeEvaluation } from '../make-evaluation.ts';

describe('a row of an evaluation', () => {
  it('stays under 1 KiB with three rules, and has no line break', () => {
    const rules = ['5m', '30m', '2h'].map((shortWindow, index) => ({
      name: `burn-${index}`,
      shortWindow,
      longWindow: ['1h', '6h', '3d'][index]!,
      threshold: 14.4 / (index + 1),
    }));
    const evaluation = makeEvaluation({ slo: anSlo({ rules }), specHash: 'a'.repeat(64) });
    const row = evaluationRow(evaluation, (one) => encodeEvidence(one, '0.2.0'));
    const text = Object.values(row).join('');
    expect(Buffer.byteLength(text)).toBeLessThan(1_024);
    expect(text).not.toMatch(/[\r\n]/);
  });
});

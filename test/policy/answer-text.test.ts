import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WindowState } from '../../src/eval/measurement.ts';
import { answerOf } from '../../src/policy/answer.ts';
import { answerText } from '../../src/policy/answer-text.ts';
import type { Evaluation, Served } from '../../src/policy/decision-source.ts';
import { windowsOf } from '../../src/slo/model.ts';
import { aMeasurement, anEvaluation, servedAfter } from '../support/evaluation.ts';
import { anSlo, readmeRules } from '../support/slo.ts';

const slo = anSlo();
const limitMs = 2 * slo.evaluationInterval.ms;

const ok: fc.Arbitrary<WindowState> = fc
  .tuple(fc.double({ min: 1e-3, max: 1e12, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([total, ratio]) => ({ state: 'ok', good: total * ratio, total, goodMissing: false }));
// A detail of a failure, and a note, are words of others: they may say anything, `"age":0` too.
const words = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('"age":0,', '}', 'age', '\u2028\ud800'));
const failed: fc.Arbitrary<WindowState> = words.map((detail) => ({
  state: 'failed',
  failure: { role: 'good', reason: 'timeout', detail, attempts: 2 },
}));
const noData = fc.constant<WindowState>({ state: 'noData', cause: 'total is 0' });

const evaluations: fc.Arbitrary<Evaluation> = fc
  .record({
    windows: fc.record(Object.fromEntries(windowsOf(slo).map(({ name }) => [name, fc.oneof(ok, failed, noData)]))),
    notes: fc.array(words, { maxLength: 2 }),
    previous: fc.array(
      fc.record({
        rule: fc.constantFrom(...readmeRules.map(({ name }) => name)),
        reason: words,
        ageMs: fc.integer({ min: 0, max: limitMs + 1 }),
      }),
      { maxLength: 2 },
    ),
  })
  .map(({ windows, notes, previous }) =>
    anEvaluation({ slo, measurement: aMeasurement(slo, windows, { notes }), previous }),
  );

/** In any order, as a clock may be set back; about the instants at which an answer changes more often than not. */
function agesOf({ result }: Evaluation): fc.Arbitrary<number[]> {
  const changes = [limitMs, limitMs - (result.heldBlockAgeMs ?? 0), 0];
  const near = fc
    .tuple(fc.constantFrom(...changes), fc.constantFrom(-1, -0.001, 0, 0.001, 1))
    .map(([at, by]) => at + by);
  const any = fc.oneof(
    near,
    fc.double({ min: 0, max: 10 * limitMs, noNaN: true }),
    fc.double({ min: 0, max: 1e12, noNaN: true }),
  );
  return fc.array(
    any.map((ms) => Math.max(ms, 0)),
    { minLength: 1, maxLength: 12 },
  );
}

const expected = (served: Served) => {
  const answer = answerOf(served);
  return { decision: answer.decision, text: JSON.stringify(answer) };
};

describe('the text of an answer', () => {
  it('is that of answerOf, byte for byte, at any age and in any order of ages', () => {
    const served = evaluations.chain((evaluation) => fc.tuple(fc.constant(evaluation), agesOf(evaluation)));
    fc.assert(
      fc.property(served, ([evaluation, ages]) => {
        for (const ageMs of ages) {
          const served = servedAfter(evaluation, ageMs);
          expect(answerText(served)).toEqual(expected(served));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('of an evaluation made for its request says whether it is audited, and leaves no trace of it', () => {
    const evaluation = anEvaluation({ slo });
    for (const audited of [undefined, false, undefined, true, undefined]) {
      const served = { evaluation, ageMs: 3, ...(audited !== undefined && { audited }) };
      expect(answerText(served)).toEqual(expected(served));
    }
  });

  it('is that of its own evaluation, not of another of the same SLO', () => {
    const [first, second] = [anEvaluation({ slo }), anEvaluation({ slo })];
    for (const evaluation of [first, second, first]) {
      expect(answerText({ evaluation, ageMs: 1 })).toEqual(expected({ evaluation, ageMs: 1 }));
    }
  });
});

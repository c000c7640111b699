import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Failure, Measurement, WindowState } from '../../src/eval/measurement.ts';
import { failureReasons, noDataCauses } from '../../src/eval/measurement.ts';
import { answerOf } from '../../src/policy/answer.ts';
import { decide, verdictOn } from '../../src/policy/decide.ts';
import { decodeEvidence, encodeEvidence } from '../../src/policy/evidence.ts';
import type { BlockingRule } from '../../src/policy/gate-result.ts';
import { decisions, worst, type Decision } from '../../src/slo/decision.ts';
import { windowsOf } from '../../src/slo/model.ts';
import { aMeasurement, anEvaluation, noon, servedAfter } from '../support/evaluation.ts';
import { anSlo, readmeRules } from '../support/slo.ts';

const slo = anSlo();
const names = windowsOf(slo).map((window) => window.name);
const rank = (decision: Decision) => decisions.indexOf(decision);

const decision = fc.constantFrom(...decisions);
const failure: fc.Arbitrary<Failure> = fc.record({
  role: fc.constantFrom('good' as const, 'total' as const),
  reason: fc.constantFrom(...failureReasons),
  detail: fc.string(),
  attempts: fc.nat(2),
});
const measured: fc.Arbitrary<WindowState & { state: 'ok' }> = fc
  .record({
    total: fc.double({ min: 1e-3, max: 1e12, noNaN: true }),
    ratio: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ total, ratio }) => ({ state: 'ok', good: total * ratio, total, goodMissing: false }));
const notOk: fc.Arbitrary<WindowState> = fc.oneof(
  fc
    .constantFrom('total is 0' as const, 'no series match' as const, 'NaN' as const)
    .map((cause): WindowState => ({ state: 'noData', cause })),
  failure.map((failed): WindowState => ({ state: 'failed', failure: failed })),
);
const anyWindows = fc.record(Object.fromEntries(names.map((name) => [name, fc.oneof(measured, notOk)])));
const allMeasured = fc.record(Object.fromEntries(names.map((name) => [name, measured])));
const previously: fc.Arbitrary<readonly BlockingRule[]> = fc.array(
  fc.record({
    rule: fc.constantFrom(...readmeRules.map((rule) => rule.name)),
    reason: fc.string(),
    ageMs: fc.nat(1_000_000),
  }),
  { maxLength: 2 },
);

describe('worst', () => {
  it('is associative, commutative and idempotent, and ALLOW of none', () => {
    fc.assert(
      fc.property(decision, decision, decision, (a, b, c) => {
        expect(worst([worst([a, b]), c])).toBe(worst([a, worst([b, c])]));
        expect(worst([a, b])).toBe(worst([b, a]));
        expect(worst([a, a])).toBe(a);
        expect(worst([a])).toBe(a);
      }),
    );
    expect(worst([])).toBe('ALLOW');
  });
});

describe('the policy', () => {
  it('never improves a decision when the error rate of a window rises', () => {
    fc.assert(
      fc.property(
        allMeasured,
        fc.constantFrom(...names),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (windows, name, share) => {
          const before = windows[name]!;
          const worse = { ...windows, [name]: { ...before, good: before.good * share } };
          const decided = (states: Record<string, WindowState>) => decide(slo, aMeasurement(slo, states), []).decision;
          expect(rank(decided(worse))).toBeGreaterThanOrEqual(rank(decided(windows)));
        },
      ),
    );
  });

  it('never relaxes a gate when a rule is added', () => {
    const extra = fc.record({
      threshold: fc.double({ min: 0.0001, max: 1000, noNaN: true }),
      action: decision,
    });
    fc.assert(
      fc.property(anyWindows, extra, (windows, rule) => {
        const more = anSlo({
          rules: [...readmeRules, { name: 'extra', shortWindow: '5m', longWindow: '6h', ...rule }],
        });
        const before = decide(slo, aMeasurement(slo, windows), []).decision;
        expect(rank(decide(more, aMeasurement(more, windows), []).decision)).toBeGreaterThanOrEqual(rank(before));
      }),
    );
  });

  it('never allows missing, failed, stale, thin or doubtful data', () => {
    const doubts: fc.Arbitrary<Partial<Measurement>> = fc.oneof(
      failure.map((failed): Partial<Measurement> => ({ freshness: { state: 'failed', failure: failed } })),
      fc.nat().map((over): Partial<Measurement> => ({
        freshness: {
          state: 'ok',
          ages: [
            { metric: 'a', ageMs: 0 },
            { metric: 'b', ageMs: 600_001 + over },
          ],
        },
      })),
      fc.nat(9).map((value): Partial<Measurement> => ({ points: { state: 'ok', value } })),
      failure.map((failed): Partial<Measurement> => ({ points: { state: 'failed', failure: failed } })),
      fc.string().map((text): Partial<Measurement> => ({ warnings: [text] })),
      fc.nat().map((over): Partial<Measurement> => ({ clockSkewMs: 30_001 + over })),
      fc.nat().map((over): Partial<Measurement> => ({ clockSkewMs: -30_001 - over })),
    );
    const holes = fc.tuple(fc.constantFrom(...names), notOk).map(([name, state]) => ({ [name]: state }));
    fc.assert(
      fc.property(
        fc.oneof(
          doubts.map((rest) => [{}, rest] as const),
          holes.map((hole) => [hole, {}] as const),
        ),
        previously,
        ([hole, rest], previous) => {
          expect(decide(slo, aMeasurement(slo, hole, rest), previous).decision).not.toBe('ALLOW');
        },
      ),
    );
  });

  it('blocks while a rule burns, whatever else is missing', () => {
    const rest = fc.record({ '6h': notOk, '30d': notOk });
    fc.assert(
      fc.property(rest, (states) => {
        const burning: WindowState = { state: 'ok', good: 90, total: 100, goodMissing: false };
        const result = decide(slo, aMeasurement(slo, { ...states, '5m': burning, '1h': burning }), []);
        expect(result.decision).toBe('BLOCK');
      }),
    );
  });

  it('tells a decision that its items explain, and ok only alone', () => {
    fc.assert(
      fc.property(anyWindows, previously, (windows, previous) => {
        const result = decide(slo, aMeasurement(slo, windows), previous);
        expect(result.decision).toBe(worst(result.items.map((item) => item.decision)));
        if (result.items.some((item) => item.code === 'ok')) expect(result.items).toHaveLength(1);
      }),
    );
  });

  it('is never an ALLOW when served later than twice the interval', () => {
    fc.assert(
      fc.property(allMeasured, fc.nat(10_000_000), (windows, over) => {
        const evaluation = anEvaluation({ slo, measurement: aMeasurement(slo, windows) });
        const answer = answerOf({ evaluation, ageMs: 600_001 + over });
        expect(answer.decision).not.toBe('ALLOW');
        expect(answer.reasonCodes).toContain('overdue');
        expect(answer.reasonCodes).not.toContain('ok');
      }),
    );
  });
});

describe('evidence', () => {
  it('decides again to the same result from what a row keeps', () => {
    fc.assert(
      fc.property(anyWindows, previously, fc.nat(100), (windows, previous, points) => {
        const measurement = aMeasurement(slo, windows, { points: { state: 'ok', value: points }, warnings: ['w'] });
        const evaluation = anEvaluation({ slo, measurement, previous });
        const decoded = decodeEvidence(encodeEvidence(evaluation, '1.2.3'), slo);
        expect(decoded?.measurement).toEqual(measurement);
        expect(verdictOn(slo, decoded!.measurement, decoded!.previous)).toEqual(evaluation.result);
      }),
    );
  });

  it('stays under 1 KiB without line breaks for a usual row of three rules', () => {
    const three = anSlo({
      rules: [...readmeRules, { name: 'trickle', shortWindow: '6h', longWindow: '3d', threshold: 1 }],
    });
    const state: WindowState = { state: 'ok', good: 1234.5678901234567, total: 1299.1234567890123, goodMissing: false };
    const text = encodeEvidence(
      anEvaluation({ slo: three, measurement: aMeasurement(three, { '*': state }) }),
      '0.2.0',
    );
    expect(text).not.toContain('\n');
    expect(text.length).toBeLessThan(1024);
  });

  it.each(['', '{}', 'null', '{"v":2}', '{"v":1,"w":[]}', '[1'])('is null for a text that is none: %s', (text) => {
    expect(decodeEvidence(text, slo)).toBeNull();
  });
});

describe('a BLOCK that was measured', () => {
  const blocking = { rule: 'fast-burn', reason: 'rule fast-burn triggered', ageMs: 40_000 };
  const failed: WindowState = {
    state: 'failed',
    failure: { role: 'good', reason: 'timeout', detail: 'late', attempts: 1 },
  };
  const holdMs = 600_000;

  it.each([
    ['a query fails', { '5m': failed }, {}],
    ['the data is gone', { '5m': { state: 'noData', cause: 'no series match' } as const }, {}],
    ['the data is stale', {}, { freshness: { state: 'ok', ages: [{ metric: 'm', ageMs: 10 ** 7 }] } as const }],
  ])('holds when %s', (_, windows: Record<string, WindowState>, rest) => {
    const result = decide(slo, aMeasurement(slo, windows, rest), [blocking]);
    expect(result.decision).toBe('BLOCK');
    expect(result.items.map((item) => item.reason)).toContain('last known BLOCK 40s ago: rule fast-burn triggered');
    expect(result.items.length).toBeGreaterThan(1);
    expect(result.blocking).toEqual([blocking]);
  });

  it('does not hold when its rule is measured again, though another window is missing', () => {
    const result = decide(slo, aMeasurement(slo, { '6h': failed }), [blocking]);
    expect(result.decision).toBe('WARN');
    expect(result.blocking).toEqual([]);
  });

  it('ends at twice the interval, at that very instant, also between two evaluations', () => {
    const aged = (ageMs: number) => decide(slo, aMeasurement(slo, { '*': failed }), [{ ...blocking, ageMs }]);
    expect(aged(holdMs - 1).decision).toBe('BLOCK');
    expect(aged(holdMs).decision).toBe('WARN');
    const measurement = aMeasurement(slo, { '*': failed });
    const evaluation = anEvaluation({ slo, measurement, previous: [{ ...blocking, ageMs: holdMs - 1000 }] });
    expect(answerOf(servedAfter(evaluation, 999)).decision).toBe('BLOCK');
    expect(answerOf(servedAfter(evaluation, 1000))).toMatchObject({ decision: 'WARN', reasonCodes: ['query_failed'] });
  });

  it('is measured anew by a rule that still triggers', () => {
    const burning: WindowState = { state: 'ok', good: 90, total: 100, goodMissing: false };
    const result = decide(slo, aMeasurement(slo, { '5m': burning, '1h': burning }), [blocking]);
    expect(result.blocking).toMatchObject([{ rule: 'fast-burn', ageMs: 0 }]);
    expect(result.items.map((item) => item.code)).toEqual(['rule_triggered']);
  });
});

describe('zero traffic', () => {
  const silent: WindowState = { state: 'noData', cause: 'total is 0' };
  const accepting = anSlo({ gating: { noTraffic: 'ALLOW' } });

  it('is WARN unless its owner says otherwise', () => {
    expect(decide(slo, aMeasurement(slo, { '*': silent }), []).items).toEqual([
      { code: 'no_traffic', decision: 'WARN', reason: 'insufficient data (zero traffic)' },
    ]);
    expect(decide(accepting, aMeasurement(accepting, { '*': silent }), []).items).toEqual([
      { code: 'no_traffic', decision: 'ALLOW', reason: 'zero traffic, accepted by gating.noTraffic' },
    ]);
    const blocking = anSlo({ gating: { noTraffic: 'BLOCK' } });
    expect(decide(blocking, aMeasurement(blocking, { '*': silent }), []).decision).toBe('BLOCK');
  });

  it.each<[string, Record<string, WindowState>, Partial<Measurement>]>([
    ['a window has no series at all', { '*': silent, '5m': { state: 'noData', cause: 'no series match' } }, {}],
    ['a window is NaN', { '*': silent, '1h': { state: 'noData', cause: 'NaN' } }, {}],
    ['the series are stale', { '*': silent }, { freshness: { state: 'ok', ages: [{ metric: 'm', ageMs: 10 ** 7 }] } }],
  ])('is not accepted when %s', (_, windows, rest) => {
    expect(decide(accepting, aMeasurement(accepting, windows, rest), []).decision).toBe('WARN');
  });

  it('is known only where every total without data is a 0 of series that are there', () => {
    const cause = fc.constantFrom(...noDataCauses);
    const anyData = fc.record(
      Object.fromEntries(
        names.map((name) => [name, fc.oneof(measured, fc.record({ state: fc.constant('noData' as const), cause }))]),
      ),
    );
    fc.assert(
      fc.property(anyData, fc.nat(3), fc.constantFrom(...decisions), (windows, samples, noTraffic) => {
        const of = anSlo({ gating: { noTraffic } });
        const result = decide(of, aMeasurement(of, windows, { points: { state: 'ok', value: samples } }), []);
        const causes = Object.values(windows).flatMap((one) => (one.state === 'noData' ? [one.cause] : []));
        const isZero = causes.every((one) => one === 'total is 0');
        // The owner's BLOCK for a 0 asks for no sample.
        const isMissing = causes.length > 0 && (!isZero || (samples === 0 && noTraffic !== 'BLOCK'));
        const codes = result.items.map((item) => item.code);
        expect(codes.includes('missing_total')).toBe(isMissing);
        expect(codes.includes('no_traffic')).toBe(causes.length > 0 && !isMissing);
        expect(result.hasNoTraffic).toBe(causes.length > 0);
        if (isMissing) expect(result.decision).not.toBe('ALLOW');
        else if (causes.length > 0 && noTraffic === 'BLOCK') expect(result.decision).toBe('BLOCK');
      }),
    );
  });
});

describe('reasons', () => {
  const reasons = (windows: Record<string, WindowState>, rest: Partial<Measurement> = {}, of = slo) =>
    decide(of, aMeasurement(of, windows, rest), []).items.map((item) => item.reason);
  const failed = (role: 'good' | 'total'): WindowState => ({
    state: 'failed',
    failure: { role, reason: 'timeout', detail: 'no answer within 5s', attempts: 2 },
  });

  it('name the first failed query and count the others', () => {
    expect(reasons({ '1h': failed('total') })).toEqual([
      'query failed: total (window=1h): timeout: no answer within 5s',
    ]);
    expect(reasons({ '5m': failed('good'), '1h': failed('total'), '6h': failed('total') })).toEqual([
      'query failed: good (window=5m): timeout: no answer within 5s and 2 more failed queries',
    ]);
  });

  it('show impossible data of the first window and count the others', () => {
    const over: WindowState = { state: 'ok', good: 103, total: 100, goodMissing: false };
    expect(reasons({ '5m': over })).toEqual(['impossible data: good exceeds total in 5m (103 > 100)']);
    expect(reasons({ '5m': over, '1h': over, '6h': over })).toEqual([
      'impossible data: good exceeds total in 5m (103 > 100) and 2 more windows',
    ]);
    expect(reasons({ '5m': { ...over, good: 101 } })).toEqual(['all burn rate checks passed']);
  });

  it('tell of gaps only where coverage is enforced', () => {
    const enforced = anSlo({ gating: { minCoverage: 0.9 } });
    const coverage = { coverage: { state: 'ok', value: 0.6249 } } as const;
    expect(reasons({}, coverage)).toEqual(['all burn rate checks passed']);
    expect(reasons({}, coverage, enforced)).toEqual(['data has gaps (6h covered 62%, 90% required)']);
    expect(reasons({}, { coverage: { state: 'notMeasured' } }, enforced)).toEqual([
      'data has gaps (coverage of 6h unknown, 90% required)',
    ]);
  });

  it('tell partial answers, query warnings and clocks apart', () => {
    expect(reasons({}, { warnings: ['store x is down', 'PromQL warning: mixed buckets'] })).toEqual([
      'partial data: store x is down',
      'query warning: mixed buckets',
    ]);
    expect(reasons({}, { clockSkewMs: -31 * 60_000 })).toEqual(['clock skew of 31m against the metrics source']);
    expect(reasons({}, { clockSkewMs: 30_000 })).toEqual(['all burn rate checks passed']);
  });

  it('keep the instant of a kept window in the evidence', () => {
    const measurement = aMeasurement(slo);
    const windows = measurement.windows.map((w) => (w.window.name === '30d' ? { ...w, readAtMs: noon - 60_000 } : w));
    const evaluation = anEvaluation({ slo, measurement: { ...measurement, windows } });
    expect(decodeEvidence(encodeEvidence(evaluation, '1'), slo)?.measurement.windows[0]?.readAtMs).toBe(noon - 60_000);
  });
});

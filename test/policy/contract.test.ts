import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { classifyWindow } from '../../src/eval/reading.ts';
import type { Measurement, QueryRole, Reading, WindowMeasurement } from '../../src/eval/measurement.ts';
import { failureReasons } from '../../src/eval/measurement.ts';
import { answerOf } from '../../src/policy/answer.ts';
import { decide } from '../../src/policy/decide.ts';
import { parseSloFile } from '../../src/slo/parse.ts';
import { shortestRuleWindow, windowsOf, type Slo } from '../../src/slo/model.ts';
import { anEvaluation, noon } from '../support/evaluation.ts';

interface Case {
  readonly name: string;
  readonly slo: unknown;
  readonly measurements: Record<
    string,
    { good?: string | null; total?: string | null; failed?: string; ageSeconds?: number; dataPoints?: number }
  >;
  readonly expected: {
    readonly decision: string;
    readonly reasons: readonly string[];
    readonly value: number | null;
    readonly errorRate: number | null;
    readonly budgetRemaining: number | null;
    readonly burnRates: Record<string, { burnRate: number | null; threshold?: number }>;
    readonly rules: readonly Record<string, unknown>[];
    readonly isStale: boolean;
    readonly hasNoTraffic: boolean;
  };
}

/** 300 decisions of an independent oracle in exact arithmetic; their README says how to compare. */
const cases = JSON.parse(
  readFileSync(new URL('../data/contract/decisions.json', import.meta.url), 'utf8'),
) as readonly Case[];

function reading(text: string | null | undefined, role: QueryRole): Reading {
  if (text === undefined) throw new Error(`no ${role} in the case`);
  if (text === null) return { kind: 'series', values: [] };
  return { kind: 'series', values: [Number(text.replace('Inf', 'Infinity'))] };
}

function measurementOf(slo: Slo, measurements: Case['measurements']): Measurement {
  const windows = windowsOf(slo).map((window): WindowMeasurement => {
    const said = measurements[window.name];
    if (said === undefined) throw new Error(`no window ${window.name} in the case`);
    const reason = failureReasons.find((known) => known === said.failed);
    const failed = (role: QueryRole): Reading => ({
      kind: 'failed',
      failure: { role, reason: reason ?? 'server', detail: 'as the case says', attempts: 1 },
    });
    const state = said.failed
      ? classifyWindow(failed('good'), failed('total'))
      : classifyWindow(reading(said.good, 'good'), reading(said.total, 'total'));
    return { ...state, window, readAtMs: noon };
  });
  const points = measurements[shortestRuleWindow(slo).name]?.dataPoints;
  return {
    evaluatedAtMs: noon,
    windows,
    freshness: {
      state: 'ok',
      ages: Object.entries(measurements).map(([metric, said]) => ({ metric, ageMs: (said.ageSeconds ?? 0) * 1000 })),
    },
    points: points === undefined ? { state: 'notMeasured' } : { state: 'ok', value: points },
    coverage: { state: 'notMeasured' },
    clockSkewMs: 0,
    warnings: [],
    infos: [],
    notes: [],
  };
}

function expectClose(actual: number | null | undefined, expected: number | null, absolute: number, what: string): void {
  if (expected === null) {
    expect(actual, what).toBeNull();
    return;
  }
  if (typeof actual !== 'number') throw new Error(`${what}: ${String(actual)} in place of ${expected}`);
  expect(Math.abs(actual - expected), what).toBeLessThanOrEqual(Math.max(absolute, 1e-9 * Math.abs(expected)));
}

describe('the oracle decides the same', () => {
  expect(cases).toHaveLength(300);

  it.each(cases.map((one) => [one.name, one] as const))('%s', (_, { slo: document, measurements, expected }) => {
    const parsed = parseSloFile(JSON.stringify(document), 'case.yaml');
    expect(parsed.problems.filter((problem) => problem.severity === 'error')).toEqual([]);
    const { slo } = parsed.slos[0]!;
    const measurement = measurementOf(slo, measurements);
    const result = decide(slo, measurement, []);
    const answer = answerOf({ evaluation: { ...anEvaluation({ slo, measurement }), result }, ageMs: 0 });

    expect(answer.decision).toBe(expected.decision);
    expect(answer.isStale).toBe(expected.isStale);
    expect(answer.hasNoTraffic).toBe(expected.hasNoTraffic);
    expectClose(answer.sli.value, expected.value, 1e-9, 'value');
    expectClose(answer.sli.errorRate, expected.errorRate, 0, 'errorRate');
    expectClose(answer.sli.budgetRemaining, expected.budgetRemaining, 1e-9, 'budgetRemaining');

    expect(Object.keys(answer.burnRates).sort()).toEqual(Object.keys(expected.burnRates).sort());
    for (const [window, { burnRate, threshold }] of Object.entries(expected.burnRates)) {
      expectClose(answer.burnRates[window]?.burnRate, burnRate, 0, `burn rate of ${window}`);
      expect(answer.burnRates[window]?.threshold).toBe(threshold);
    }
    expect(answer.rules).toHaveLength(expected.rules.length);
    expected.rules.forEach((rule, index) => {
      const { shortBurnRate, longBurnRate, ...exact } = rule;
      expect(answer.rules[index]).toMatchObject(exact);
      expectClose(answer.rules[index]?.shortBurnRate, shortBurnRate as number | null, 0, 'short burn rate');
      expectClose(answer.rules[index]?.longBurnRate, longBurnRate as number | null, 0, 'long burn rate');
    });

    const isPrefix = (reason: string) => reason.endsWith('…');
    const matches = (wanted: string, given: string) =>
      isPrefix(wanted) ? given.startsWith(wanted.slice(0, -1)) : given === wanted;
    for (const wanted of expected.reasons) {
      expect(
        answer.reasons.filter((given) => matches(wanted, given)),
        `a reason ${wanted}`,
      ).not.toEqual([]);
    }
    for (const given of answer.reasons) {
      expect(
        expected.reasons.filter((wanted) => matches(wanted, given)),
        `the reason ${given}`,
      ).not.toEqual([]);
    }
    expect(answer.reasonCodes).toHaveLength(answer.reasons.length);
  });
});

import { burnRate, errorRate, goodRatio, reaches } from '../eval/arithmetic.ts';
import type { Measurement, WindowMeasurement } from '../eval/measurement.ts';
import type { BurnRule, Slo } from '../slo/model.ts';
import type { GateNumbers, RuleResult, WindowResult } from './gate-result.ts';

/** What a measurement says of each window and rule: some microseconds, and 1.5 KiB that nobody holds. */
export function numbersOf(slo: Slo, measurement: Measurement): GateNumbers {
  const windows = windowResults(slo, measurement.windows);
  return { windows, rules: ruleResults(slo, windows) };
}

/** The numbers of each window: null where it failed, 0 where it has no data. */
export function windowResults(slo: Slo, windows: readonly WindowMeasurement[]): readonly WindowResult[] {
  return windows.map((measured) => {
    const rule = slo.rules.find(
      ({ shortWindow, longWindow }) =>
        shortWindow.name === measured.window.name || longWindow.name === measured.window.name,
    );
    return {
      window: measured.window,
      state: measured.state,
      ...numbers(measured, slo.errorBudget),
      ...(rule && { threshold: rule.threshold }),
    };
  });
}

function numbers(
  measured: WindowMeasurement,
  errorBudget: number,
): Pick<WindowResult, 'value' | 'errorRate' | 'burnRate'> {
  switch (measured.state) {
    case 'failed':
      return { value: null, errorRate: null, burnRate: null };
    case 'noData':
      return { value: 0, errorRate: 0, burnRate: 0 };
    case 'ok': {
      const errors = errorRate(measured.good, measured.total);
      return {
        value: goodRatio(measured.good, measured.total),
        errorRate: errors,
        burnRate: burnRate(errors, errorBudget),
      };
    }
  }
}

/** Each rule with its burn rates, in the order of the file. A rule triggers when both windows are at its threshold. */
function ruleResults(slo: Slo, windows: readonly WindowResult[]): readonly RuleResult[] {
  const byName = new Map(windows.map((result) => [result.window.name, result]));
  return slo.rules.map((rule) => {
    const short = byName.get(rule.shortWindow.name);
    const long = byName.get(rule.longWindow.name);
    return {
      name: rule.name,
      action: rule.action,
      triggered: burns(rule, short) && burns(rule, long),
      shortWindow: rule.shortWindow.name,
      longWindow: rule.longWindow.name,
      shortBurnRate: short?.burnRate ?? null,
      longBurnRate: long?.burnRate ?? null,
      threshold: rule.threshold,
    };
  });
}

function burns(rule: BurnRule, result: WindowResult | undefined): boolean {
  return result?.state === 'ok' && result.burnRate !== null && reaches(result.burnRate, rule.threshold);
}

/** Burn rates by window name, as the API and the audit tell them. */
export function burnRatesOf(
  windows: readonly WindowResult[],
): Readonly<Record<string, { readonly burnRate: number | null; readonly threshold?: number }>> {
  return Object.fromEntries(
    windows.map(({ window, burnRate: rate, threshold }) => [
      window.name,
      { burnRate: rate, ...(threshold !== undefined && { threshold }) },
    ]),
  );
}

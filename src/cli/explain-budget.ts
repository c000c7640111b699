import { budgetLeft } from '../eval/arithmetic.ts';
import type { GateResult, WindowResult } from '../policy/gate-result.ts';
import { roughDuration } from '../policy/wording.ts';
import { worst } from '../slo/decision.ts';
import type { Slo } from '../slo/model.ts';

/** What is left of the error budget, and how long it lasts if errors go on as they do now. */
export type BudgetForecast =
  | { readonly state: 'unknown'; readonly why: string }
  | { readonly state: 'spent'; readonly used: number }
  | { readonly state: 'resting'; readonly remaining: number; readonly window: string }
  | {
      readonly state: 'burning';
      readonly remaining: number;
      /** The window whose burn rate is taken for now. */
      readonly window: string;
      readonly burnRate: number;
      /** remaining × complianceWindow / burnRate (SRE Workbook, chapter 5); errors that grow too old are not counted. */
      readonly lastsMs: number;
    };

export function forecastBudget(slo: Slo, result: GateResult): BudgetForecast {
  const compliance = result.windows.find(({ window }) => window.name === slo.complianceWindow.name);
  if (compliance?.state !== 'ok' || compliance.errorRate === null)
    return { state: 'unknown', why: `${slo.complianceWindow.name} was not measured` };
  const remaining = budgetLeft(compliance.errorRate, slo.errorBudget);
  if (remaining <= 0) return { state: 'spent', used: 1 - remaining };
  const now = currentWindow(slo, result);
  if (now === undefined) return { state: 'unknown', why: 'no window of a rule was measured' };
  const { burnRate } = now;
  const window = now.window.name;
  if (burnRate === null || burnRate === 0) return { state: 'resting', remaining, window };
  return {
    state: 'burning',
    remaining,
    window,
    burnRate,
    lastsMs: (remaining * slo.complianceWindow.lengthMs) / burnRate,
  };
}

/**
 * The window whose burn rate stands for now: the long one of the rule that triggered (the worst action, then the order
 * of the file), because its short one may be a spike; else the longest of any rule that was measured.
 */
export function currentWindow(slo: Slo, { rules, windows }: GateResult): WindowResult | undefined {
  const triggered = rules.filter((rule) => rule.triggered);
  const action = worst(triggered.map((rule) => rule.action));
  const burning = triggered.find((rule) => rule.action === action)?.longWindow;
  const named = new Set(slo.rules.flatMap(({ shortWindow, longWindow }) => [shortWindow.name, longWindow.name]));
  const measured = windows
    .filter(({ window, state }) => state === 'ok' && named.has(window.name))
    .toSorted((a, b) => b.window.lengthMs - a.window.lengthMs);
  return measured.find(({ window }) => window.name === burning) ?? measured[0];
}

/** The forecast in a sentence, without its full stop. */
export function budgetSentence(forecast: BudgetForecast, complianceWindow: { name: string; lengthMs: number }): string {
  const { name, lengthMs } = complianceWindow;
  switch (forecast.state) {
    case 'unknown':
      return `error budget of ${name}: not known (${forecast.why})`;
    case 'spent':
      return `error budget of ${name}: spent (${percent(forecast.used)} used)`;
    case 'resting':
      return `error budget of ${name}: ${percent(forecast.remaining)} left, no errors in ${forecast.window}`;
    case 'burning': {
      const rate = `at the rate of ${forecast.window} (${forecast.burnRate.toFixed(2)}x)`;
      const lasts =
        forecast.lastsMs < lengthMs ? `gone in ${roughDuration(forecast.lastsMs)}` : `lasts longer than ${name}`;
      return `error budget of ${name}: ${percent(forecast.remaining)} left, ${lasts} ${rate}`;
    }
  }
}

function percent(ratio: number): string {
  return `${Number((ratio * 100).toPrecision(3))}%`;
}

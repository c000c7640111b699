import { budgetLeft, reaches } from '../eval/arithmetic.ts';
import type { Measurement } from '../eval/measurement.ts';
import { worst } from '../slo/decision.ts';
import type { Slo } from '../slo/model.ts';
import { dataItems } from './data-items.ts';
import type {
  BlockingRule,
  GateItem,
  GateNumbers,
  GateResult,
  RuleResult,
  Verdict,
  WindowResult,
} from './gate-result.ts';
import { holdRules } from './hold.ts';
import { notesOf } from './notes.ts';
import { numbersOf } from './windows.ts';
import { triggeredReason } from './wording.ts';

/**
 * The policy: what a measurement of an SLO means for a release (docs/evaluation.md).
 *
 * Pure: no clock, no I/O. The decision is the worst of all items; ALLOW needs every measurement ok, fresh and
 * sufficient. `previous` are the rules whose BLOCK was measured before, with the age of that measurement.
 */
export function decide(slo: Slo, measurement: Measurement, previous: readonly BlockingRule[]): GateResult {
  const numbers = numbersOf(slo, measurement);
  return { ...conclude(slo, measurement, numbers, previous), ...numbers };
}

/** The same without the numbers, to be held. */
export function verdictOn(slo: Slo, measurement: Measurement, previous: readonly BlockingRule[]): Verdict {
  return conclude(slo, measurement, numbersOf(slo, measurement), previous);
}

function conclude(
  slo: Slo,
  measurement: Measurement,
  { windows, rules }: GateNumbers,
  previous: readonly BlockingRule[],
): Verdict {
  const data = dataItems(slo, measurement);
  const hold = holdRules(slo, rules, windows, data.isStale, previous);
  const found: readonly GateItem[] = [...rules.flatMap(triggeredItem), ...data.items, ...hold.items];
  const items = found.length > 0 ? found : [passed];
  const compliance = windows.find((result) => result.window.name === slo.complianceWindow.name);

  return {
    decision: worst(items.map((item) => item.decision)),
    items,
    sli: complianceSli(slo, compliance),
    isStale: data.isStale,
    hasNoTraffic: measurement.windows.some((window) => window.state === 'noData'),
    notes: [...notesOf(slo, measurement), ...budgetNote(compliance)],
    blocking: hold.blocking,
    ...(hold.youngestHeldAgeMs !== undefined && { heldBlockAgeMs: hold.youngestHeldAgeMs }),
  };
}

const passed: GateItem = { code: 'ok', decision: 'ALLOW', reason: 'all burn rate checks passed' };

function triggeredItem(rule: RuleResult): readonly GateItem[] {
  return rule.triggered ? [{ code: 'rule_triggered', decision: rule.action, reason: triggeredReason(rule) }] : [];
}

function complianceSli(slo: Slo, compliance: WindowResult | undefined): Verdict['sli'] {
  if (compliance === undefined || compliance.errorRate === null) {
    return { value: null, errorRate: null, budgetRemaining: null };
  }
  return {
    value: compliance.value,
    errorRate: compliance.errorRate,
    budgetRemaining: Math.min(Math.max(budgetLeft(compliance.errorRate, slo.errorBudget), 0), 1),
  };
}

function budgetNote(compliance: WindowResult | undefined): readonly string[] {
  if (compliance === undefined || compliance.burnRate === null || !reaches(compliance.burnRate, 1)) return [];
  return [`error budget exhausted (${Math.round(compliance.burnRate * 100)}% used)`];
}

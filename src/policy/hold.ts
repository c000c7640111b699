import type { Slo } from '../slo/model.ts';
import type { BlockingRule, GateItem, RuleResult, WindowResult } from './gate-result.ts';
import { roughDuration, triggeredReason } from './wording.ts';

export interface Hold {
  /** The rules that block by measurement, for the next evaluation: those of now with age 0, and those that are held. */
  readonly blocking: readonly BlockingRule[];
  readonly items: readonly GateItem[];
  readonly youngestHeldAgeMs?: number;
}

/**
 * One timeout must not open a gate that is closed: a rule that was measured to block, and cannot be measured now
 * (failed, stale or without data), goes on blocking until twice the interval after that measurement.
 */
export function holdRules(
  slo: Slo,
  rules: readonly RuleResult[],
  windows: readonly WindowResult[],
  isStale: boolean,
  previous: readonly BlockingRule[],
): Hold {
  const measured = new Set(windows.filter((window) => window.state === 'ok').map((window) => window.window.name));
  const now = rules.filter((rule) => rule.triggered && rule.action === 'BLOCK');
  const held = previous.filter((earlier) => {
    const rule = rules.find(({ name }) => name === earlier.rule);
    if (rule === undefined || rule.triggered) return false;
    const isMeasured = !isStale && measured.has(rule.shortWindow) && measured.has(rule.longWindow);
    return !isMeasured && isHeldAt(earlier.ageMs, slo);
  });
  return {
    blocking: [...now.map((rule) => ({ rule: rule.name, reason: triggeredReason(rule), ageMs: 0 })), ...held],
    items: held.map((rule) => ({
      code: 'held',
      decision: 'BLOCK',
      reason: `last known BLOCK ${roughDuration(rule.ageMs)} ago: ${rule.reason}`,
    })),
    ...(held.length > 0 && { youngestHeldAgeMs: Math.min(...held.map((rule) => rule.ageMs)) }),
  };
}

/** Whether a measured BLOCK of that age still holds: it ends at twice the interval, at that very instant. */
export function isHeldAt(ageMs: number, slo: Slo): boolean {
  return ageMs < 2 * slo.evaluationInterval.ms;
}

import type { Decision } from './decision.ts';
import { canBeReached } from './error-budget.ts';

export interface WorkbookRule {
  readonly name: string;
  readonly shortWindow: string;
  readonly longWindow: string;
  readonly threshold: number;
  readonly action: Decision;
}

/**
 * The SRE Workbook's parameters (chapter 5, "Multiwindow, Multi-Burn-Rate Alerts", with the 1d of its example). What
 * pages someone holds a release; what opens a ticket lets it pass and says so. A short window is a twelfth of its
 * long one.
 */
export const workbookRules: readonly WorkbookRule[] = [
  { name: 'page-1h', shortWindow: '5m', longWindow: '1h', threshold: 14.4, action: 'BLOCK' },
  { name: 'page-6h', shortWindow: '30m', longWindow: '6h', threshold: 6, action: 'BLOCK' },
  { name: 'ticket-1d', shortWindow: '2h', longWindow: '1d', threshold: 3, action: 'WARN' },
  { name: 'ticket-3d', shortWindow: '6h', longWindow: '3d', threshold: 1, action: 'WARN' },
];

/** The rules that an error rate of at most 1 can reach at this objective; `ticket-3d` is always among them. */
export function workbookRulesFor(objective: number): readonly WorkbookRule[] {
  return workbookRules.filter(({ threshold }) => canBeReached(threshold, objective));
}

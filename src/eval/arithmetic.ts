/**
 * Burn-rate arithmetic (SRE Workbook, chapter 5, "Alerting on SLOs"). Ratios are 0 to 1; all inputs are finite.
 */

/** (total − good) / total, for total > 0; good above total counts as good = total. */
export function errorRate(good: number, total: number): number {
  return Math.max(total - good, 0) / total;
}

/** good / total, for total > 0; at most 1. */
export function goodRatio(good: number, total: number): number {
  return Math.min(good, total) / total;
}

/** How many times faster than allowed the error budget is being spent. */
export function burnRate(errors: number, errorBudget: number): number {
  return errors / errorBudget;
}

/** 1 − the share of the error budget that the compliance window has spent, unclamped: negative when overspent. */
export function budgetLeft(complianceErrorRate: number, errorBudget: number): number {
  return 1 - complianceErrorRate / errorBudget;
}

// 7 % errors at an objective of 99.5 % are exactly 14 times the budget, and 13.99999999999998 in doubles. The rounding of
// one subtraction and two divisions is far below this; two burn rates that differ by less are the same to every reader.
const relativeTolerance = 1e-9;

/** Whether a burn rate is at or above a threshold, where mathematical equality counts as reached. */
export function reaches(burn: number, threshold: number): boolean {
  return burn >= threshold * (1 - relativeTolerance);
}

/** Whether good exceeds total by more than 1 % of total: more than scrape jitter explains. Exactly 1 % is not more. */
export function exceedsPlausibly(good: number, total: number): boolean {
  return good - total > total * 0.01 * (1 + relativeTolerance);
}

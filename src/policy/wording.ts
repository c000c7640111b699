import type { RuleResult } from './gate-result.ts';

/** Durations for people, in one unit, rounded down: `47s`, `31m`, `20h`, `3d`. */
export function roughDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h` : `${Math.floor(hours / 24)}d`;
}

/** A measured count for people: six significant digits, no trailing zeros. */
export function roughNumber(value: number): string {
  return String(Number(value.toPrecision(6)));
}

/** Whole percent, rounded down, so that what falls short of 90 % never reads as 90 %. */
export function wholePercent(ratio: number): string {
  // 0.29 * 100 is 28.999999999999996: what is a whole percent but for the rounding of a double is that percent.
  return `${Math.floor(ratio * 100 + 1e-9)}%`;
}

/** ` and 2 more windows`, or nothing. */
export function andMore(count: number, singular: string, plural: string): string {
  return count > 0 ? ` and ${count} more ${count === 1 ? singular : plural}` : '';
}

/** The reason that a triggered rule gives, wherever it is given. */
export function triggeredReason(rule: RuleResult): string {
  const times = (rate: number | null) => `${(rate ?? 0).toFixed(2)}x`;
  return (
    `rule ${rule.name} triggered: short=${times(rule.shortBurnRate)}, long=${times(rule.longBurnRate)}` +
    ` (threshold=${times(rule.threshold)})`
  );
}

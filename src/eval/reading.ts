import type { Failure, NoDataCause, QueryRole, Reading, WindowState } from './measurement.ts';

/**
 * What a window's good and total amount to: one of three states, failed before no data, no data before ok, good before
 * total. Each series is looked at before the sum is made, because a sum would hide a negative or NaN one.
 */
export function classifyWindow(good: Reading, total: Reading): WindowState {
  const failure = failureOf('good', good) ?? failureOf('total', total);
  if (failure !== undefined) return { state: 'failed', failure };
  const goodSum = sum(valuesOf(good));
  const totalSum = sum(valuesOf(total));
  const cause = noDataCause(goodSum, totalSum);
  if (cause !== undefined) return { state: 'noData', cause };
  return { state: 'ok', good: goodSum ?? 0, total: totalSum ?? 0, goodMissing: goodSum === undefined };
}

/** NaN and ±Inf are no data, not failures: `0 / 0` over an idle service is NaN. A finite negative count is impossible. */
function failureOf(role: QueryRole, reading: Reading): Failure | undefined {
  if (reading.kind === 'failed') return reading.failure;
  const negative = reading.values.find((value) => Number.isFinite(value) && value < 0);
  if (negative === undefined) return undefined;
  return { role, reason: 'malformed', detail: `a series has the negative value ${negative}`, attempts: 1 };
}

/** A NaN in good goes before a total of 0: only a clean zero may be accepted by `gating.noTraffic`. */
function noDataCause(good: number | undefined, total: number | undefined): NoDataCause | undefined {
  if (total === undefined) return 'no series match';
  if (!Number.isFinite(total) || (good !== undefined && !Number.isFinite(good))) return 'NaN';
  if (total > 0) return undefined;
  // Successes without events are no silence that an owner could accept: total counts something else, or is broken.
  return (good ?? 0) > 0 ? 'total is 0 but good is not' : 'total is 0';
}

function valuesOf(reading: Reading): readonly number[] {
  return reading.kind === 'series' ? reading.values : [];
}

/** undefined: no series. NaN and ±Inf carry over into the sum; +Inf and −Inf make NaN. */
function sum(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((a, b) => a + b, 0);
}

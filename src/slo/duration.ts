import type { Duration } from './model.ts';

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

// Prometheus counts durations in nanoseconds of 64 bits, 292 years.
const longestMs = 2 ** 63 / 1e6;

/** Reads `30s`, `5m`, `6h` or `30d`. Undefined for any other text, for zero, and for more than Prometheus can hold. */
export function parseDuration(text: string): Duration | undefined {
  const match = /^([0-9]+)([smhd])$/.exec(text);
  const ms = Number(match?.[1]) * (unitMs[match?.[2] ?? ''] ?? NaN);
  return ms > 0 && ms < longestMs ? { text, ms } : undefined;
}

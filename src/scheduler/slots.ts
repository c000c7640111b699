import { createHash } from 'node:crypto';

/**
 * Slots are aligned to the wall clock and spread by a hash of the SLO's id (as Prometheus spreads its rule groups), so
 * that a restart keeps the rhythm and a thousand SLOs do not ask in the same second.
 */
export function slotOffsetMs(sloId: string, intervalMs: number): number {
  const hash = createHash('sha256').update(sloId).digest().readUIntBE(0, 6);
  return hash % intervalMs;
}

/** The first slot after an instant; epoch milliseconds. */
export function nextSlotMs(afterMs: number, intervalMs: number, offsetMs: number): number {
  return Math.floor((afterMs - offsetMs) / intervalMs + 1) * intervalMs + offsetMs;
}

/** How many slots passed unused between the slot that was evaluated and the instant when the loop looks again. */
export function missedSlots(slotMs: number, nowMs: number, intervalMs: number): number {
  return Math.max(Math.floor((nowMs - slotMs) / intervalMs), 0);
}

const firstRetryMs = 15_000;

/** How soon a failed scheduled evaluation is repeated: after min(interval, 15 s), doubling with each failure, to the interval. */
export function retryDelayMs(failures: number, intervalMs: number): number {
  return Math.min(intervalMs, firstRetryMs * 2 ** Math.min(failures - 1, 20));
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { missedSlots, nextSlotMs, retryDelayMs, slotOffsetMs } from '../../src/scheduler/slots.ts';

const interval = fc.integer({ min: 1_000, max: 86_400_000 });
const instant = fc.integer({ min: 0, max: 4_000_000_000_000 });

describe('slots', () => {
  it('are aligned, and the next one lies within an interval', () => {
    fc.assert(
      fc.property(instant, interval, fc.string(), (now, intervalMs, id) => {
        const offset = slotOffsetMs(id, intervalMs);
        const slot = nextSlotMs(now, intervalMs, offset);
        expect(offset).toBeGreaterThanOrEqual(0);
        expect(offset).toBeLessThan(intervalMs);
        expect((slot - offset) % intervalMs).toBe(0);
        expect(slot).toBeGreaterThan(now);
        expect(slot - now).toBeLessThanOrEqual(intervalMs);
        expect(nextSlotMs(slot, intervalMs, offset)).toBe(slot + intervalMs);
      }),
    );
  });

  it('spread a thousand SLOs over the interval', () => {
    const tenths = new Array<number>(10).fill(0);
    for (let i = 0; i < 1_000; i += 1) {
      const tenth = Math.floor(slotOffsetMs(`service-${i}-availability`, 60_000) / 6_000);
      tenths[tenth]! += 1;
    }
    for (const count of tenths) expect(count).toBeGreaterThan(50);
  });

  it('that passed during an evaluation are counted, not replayed', () => {
    expect(missedSlots(1_000, 1_999, 1_000)).toBe(0);
    expect(missedSlots(1_000, 2_000, 1_000)).toBe(1);
    expect(missedSlots(1_000, 9_500, 1_000)).toBe(8);
  });

  it('are preceded by an early repetition after a failure, backing off to the interval', () => {
    const fiveMinutes = 300_000;
    expect([1, 2, 3, 4, 5, 6, 60].map((n) => retryDelayMs(n, fiveMinutes) / 1000)).toEqual([
      15, 30, 60, 120, 240, 300, 300,
    ]);
    expect(retryDelayMs(1, 5_000)).toBe(5_000);
  });
});

import { setMaxListeners } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clockSkewMs } from '../../../src/adapter/prometheus/clock-skew.ts';
import { alignedSubquery } from '../../../src/adapter/prometheus/promql-text.ts';
import { createRateLimitHold } from '../../../src/adapter/prometheus/rate-limit-hold.ts';
import { createRequestBudget } from '../../../src/adapter/prometheus/request-budget.ts';
import { createRequestQueue } from '../../../src/adapter/prometheus/request-queue.ts';
import { inquiriesFor, longestUnion } from '../../../src/adapter/prometheus/union.ts';
import type { Unit } from '../../../src/adapter/prometheus/part.ts';
import { systemClock, type Clock } from '../../../src/clock.ts';

const noon = Date.UTC(2026, 10, 20, 12);

describe('alignedSubquery', () => {
  it('has exactly its number of steps at every instant, whether the range is closed or open at its left', () => {
    const instants = fc.integer({ min: noon, max: noon + 7 * 86_400_000 });
    const lengths = fc.integer({ min: 2, max: 30 * 86_400 }).map((seconds) => seconds * 1000);
    fc.assert(
      fc.property(instants, lengths, fc.constantFrom(60, 720), (evaluatedAtMs, lengthMs, steps) => {
        const { stepMs, range, firstMs, lastMs } = alignedSubquery(lengthMs, steps, evaluatedAtMs);
        const rangeMs = Number(/^\[(\d+)ms:/.exec(range)?.[1]);
        const beginMs = evaluatedAtMs - rangeMs;
        const closed = Math.floor(evaluatedAtMs / stepMs) - Math.ceil(beginMs / stepMs) + 1;
        const open = Math.floor(evaluatedAtMs / stepMs) - Math.floor(beginMs / stepMs);
        expect([closed, open]).toEqual([steps, steps]);
        expect(firstMs).toBe(Math.ceil(beginMs / stepMs) * stepMs);
        expect(lastMs).toBe(Math.floor(evaluatedAtMs / stepMs) * stepMs);
      }),
    );
  });
});

describe('clockSkewMs', () => {
  const sent = (sentAtMs: number, receivedAtMs = sentAtMs + 10) => ({ sentAtMs, receivedAtMs });
  const date = (ms: number) => new Date(ms).toUTCString();

  it.each([
    ['says nothing', undefined, sent(noon), null],
    ['cannot be read', 'noon', sent(noon), null],
    ['is the second of the request', date(noon), sent(noon + 999), 0],
    ['falls into a slow answer', date(noon + 4_000), sent(noon, noon + 5_000), 0],
    ['is behind', date(noon), sent(noon + 31_000), -30_000],
    ['is ahead', date(noon + 40_000), sent(noon), 39_990],
  ])('when the header %s', (_, header, exchange, expected) => {
    expect(clockSkewMs(header, exchange)).toBe(expected);
  });
});

describe('the request budget', () => {
  it('grants extra requests only within the first requests of the last ten seconds and forty', () => {
    const steps = fc.array(
      fc.record({ afterMs: fc.integer({ min: 0, max: 3_000 }), first: fc.nat(30), extra: fc.nat(60) }),
      {
        maxLength: 40,
      },
    );
    fc.assert(
      fc.property(steps, (all) => {
        let nowMs = 0;
        const budget = createRequestBudget(() => nowMs);
        const sent: { atMs: number; first: number; extra: number }[] = [];
        for (const { afterMs, first, extra } of all) {
          nowMs += afterMs;
          for (let count = 0; count < first; count++) budget.first();
          const taken = budget.takeExtra(extra);
          sent.push({ atMs: nowMs, first, extra: taken ? extra : 0 });
          if (!taken) continue;
          const recent = sent.filter(({ atMs }) => atMs > nowMs - 10_000);
          const sum = (of: 'first' | 'extra') => recent.reduce((total, one) => total + one[of], 0);
          // Slices of a tenth of a second: a first request just before the ten seconds may count.
          const older = sent.filter(({ atMs }) => atMs <= nowMs - 10_000 && atMs > nowMs - 10_200);
          const slack = older.reduce((total, one) => total + one.first, 0);
          expect(sum('extra')).toBeLessThanOrEqual(sum('first') + slack + 40);
        }
      }),
    );
  });

  it('has room again after ten seconds', () => {
    let nowMs = 0;
    const budget = createRequestBudget(() => nowMs);
    expect(budget.takeExtra(40)).toBe(true);
    expect(budget.takeExtra(1)).toBe(false);
    nowMs = 10_200;
    expect(budget.takeExtra(40)).toBe(true);
  });
});

describe('the request queue', () => {
  const never = new AbortController().signal;
  setMaxListeners(0, never);

  it('never has more requests in flight than places, and loses none', async () => {
    const queue = createRequestQueue(3);
    let inFlight = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const place = await queue.enter(index % 2 === 0 ? 'urgent' : 'scheduled', never);
        if (place.kind !== 'granted') throw new Error(place.kind);
        most = Math.max(most, ++inFlight);
        await Promise.resolve();
        inFlight -= 1;
        place.release();
        place.release();
      }),
    );
    expect(most).toBe(3);
  });

  it('is bounded, and gives no place to those who left', async () => {
    const queue = createRequestQueue(1);
    const held = await queue.enter('scheduled', never);
    const leaving = new AbortController();
    const left = queue.enter('urgent', leaving.signal);
    const waiting = Array.from({ length: 9_999 }, () => queue.enter('scheduled', never));
    expect((await queue.enter('urgent', never)).kind).toBe('full');
    leaving.abort();
    expect((await left).kind).toBe('aborted');
    if (held.kind === 'granted') held.release();
    expect((await waiting[0])?.kind).toBe('granted');
  });
});

describe('the hold of a rate limit', () => {
  const clockAt = (moment: { ms: number }): Clock => ({
    now: () => ({ wallMs: noon + moment.ms, monotonicMs: moment.ms }),
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
  });

  it.each([
    ['7', 7_000],
    ['600', 60_000],
    [new Date(noon + 20_000).toUTCString(), 20_000],
    [new Date(noon - 20_000).toUTCString(), 0],
    ['-5', 0],
    ['soon', 0],
    [undefined, 0],
  ])('is, for a Retry-After of %s, %i ms', (text, expected) => {
    const hold = createRateLimitHold(clockAt({ ms: 0 }));
    hold.keep(text);
    expect(hold.leftMs()).toBe(expected);
  });

  it('is not made shorter by a later answer, and ends', () => {
    const moment = { ms: 0 };
    const hold = createRateLimitHold(clockAt(moment));
    hold.keep('30');
    hold.keep('1');
    moment.ms = 29_999;
    expect(hold.leftMs()).toBe(1);
    moment.ms = 30_000;
    expect(hold.leftMs()).toBe(0);
  });
});

describe('inquiriesFor', () => {
  const units = fc.array(
    fc.record({
      group: fc.constantFrom('5m', '1h', '30d', 'checks'),
      sizes: fc.array(fc.integer({ min: 1, max: 16_000 }), { minLength: 1, maxLength: 3 }),
      asItStands: fc.boolean(),
    }),
    { maxLength: 12 },
  );

  it('asks each part once, keeps unions under the limit and units whole', () => {
    fc.assert(
      fc.property(units, fc.subarray(['5m', '1h', 'checks']), (specs, alone) => {
        const all = specs.map(({ group, sizes, asItStands }, unit): Unit => ({
          group,
          asItStands,
          parts: sizes.map((size, index) => ({
            tag: `${unit}:${index}`,
            role: 'good',
            promql: 'x'.repeat(size),
            type: 'vector',
          })),
        }));
        const inquiries = inquiriesFor(all, new Set(alone));
        const asked = inquiries.flatMap(({ parts }) => parts.map(({ tag }) => tag));
        expect(asked.toSorted()).toEqual(all.flatMap(({ parts }) => parts.map(({ tag }) => tag)).toSorted());
        for (const { promql, tagged, groups, parts } of inquiries) {
          if (tagged) expect(Buffer.byteLength(promql)).toBeLessThanOrEqual(longestUnion);
          else expect(parts).toHaveLength(1);
          if (groups.some((group) => alone.includes(group))) expect(groups).toHaveLength(1);
        }
      }),
    );
  });
});

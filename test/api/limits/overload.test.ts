import { describe, expect, it, onTestFinished } from 'vitest';
import { createOverload } from '../../../src/api/limits/overload.ts';
import type { Clock } from '../../../src/clock.ts';
import { eventually } from '../../support/eventually.ts';

/** Its time goes on by as much at each look as the test says: an event loop that is late, or not. */
function lookedAt() {
  let nowMs = 0;
  let stepMs = 100;
  let looks = 0;
  const clock: Clock = {
    now() {
      looks += 1;
      nowMs += stepMs;
      return { wallMs: nowMs, monotonicMs: nowMs };
    },
    sleep: () => Promise.resolve('elapsed'),
  };
  const overload = createOverload(clock);
  overload.watch();
  onTestFinished(() => overload.stop());
  return { overload, looks: () => looks, late: (ms: number) => void (stepMs = ms) };
}

describe('work of one name', () => {
  it('is one piece, however many share it and however often each is ended', () => {
    const { overload } = lookedAt();
    const shared = Array.from({ length: 300 }, () => overload.begin('forced', 'a'));
    const others = Array.from({ length: 255 }, (_, index) => overload.begin('forced', String(index)));
    expect([...shared, ...others].filter((end) => end === undefined)).toEqual([]);
    expect(overload.begin('forced', 'b')).toBeUndefined();
    for (const end of shared.slice(1)) for (let times = 0; times < 2; times++) end?.();
    expect(overload.begin('forced', 'b')).toBeUndefined();
    shared[0]?.();
    expect(overload.begin('forced', 'b')).toBeDefined();
    expect(overload.begin('forced', 'a')).toBeUndefined();
  });
});

describe('an event loop', () => {
  it('that is late again and again has costly work refused, but not metrics, until it is calm', async () => {
    const { overload, late } = lookedAt();
    expect(overload.begin('audit')).toBeDefined();
    late(700);
    await eventually(() => expect(overload.begin('audit')).toBeUndefined());
    expect(overload.refused()).toBeGreaterThan(0);
    // Pipelines wait for these: they are refused last.
    await eventually(() => expect(overload.begin('forced')).toBeUndefined());
    late(0.001);
    expect([overload.begin('forced'), overload.begin('page')]).toEqual([undefined, undefined]);
    expect(overload.begin('metrics')).toBeDefined();
    late(100);
    await eventually(() => expect(overload.begin('audit')).toBeDefined());
  });

  it('that paused once, as a machine does that stood still, is not taken for busy', async () => {
    const { overload, late, looks } = lookedAt();
    const after = async (count: number) => {
      const before = looks();
      await eventually(() => expect(looks()).toBeGreaterThanOrEqual(before + count));
    };
    await after(1);
    late(60_000);
    await after(1);
    late(100);
    await after(3);
    expect(overload.begin('forced')).toBeDefined();
    expect(overload.refused()).toBe(0);
  });
});

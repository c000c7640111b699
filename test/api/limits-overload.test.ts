import { describe, expect, it, onTestFinished } from 'vitest';
import { createOverload } from '../../src/api/limits-overload.ts';
import type { Clock } from '../../src/clock.ts';
import { eventually } from '../support/eventually.ts';

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

describe('an event loop', () => {
  it('that is late again and again has costly work refused, but not metrics, until it is calm', async () => {
    const { overload, late } = lookedAt();
    expect(overload.begin('audit')).toBeDefined();
    late(700);
    await eventually(() => expect(overload.begin('audit')).toBeUndefined());
    const refused = overload.refused();
    expect(refused).toBeGreaterThan(0);
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

import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { Closing } from '../../src/scheduler/closing.ts';
import { createVirtualClock } from '../support/virtual-clock.ts';

const clocks = [
  ['the system', () => systemClock],
  ['a test', () => createVirtualClock()],
] as const;

describe.each(clocks)('sleeps of one loop, by the clock of %s', (_whose, clockOf) => {
  it('end when it is closed, however many there are', async () => {
    const clock = clockOf();
    const closing = new Closing();
    const sleeps = [clock.sleep(60_000, closing), clock.sleep(30_000, closing)];
    closing.close();
    expect(await Promise.all(sleeps)).toEqual(['aborted', 'aborted']);
  });

  it('end at once when it is closed already', async () => {
    const clock = clockOf();
    const closing = new Closing();
    closing.close();
    expect(await clock.sleep(60_000, closing)).toBe('aborted');
  });
});

it('a sleep is forgotten when its time is over', async () => {
  const clock = createVirtualClock();
  const closing = new Closing();
  const slept = clock.sleep(10, closing);
  const other = clock.sleep(20, closing);
  await clock.advance(10);
  closing.close();
  expect(await Promise.all([slept, other])).toEqual(['elapsed', 'aborted']);
});

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { paced } from '../../src/api/paced.ts';
import { createVirtualClock } from '../support/virtual-clock.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Work that takes 100 ms, and says the how-maniest it was. */
function aWork() {
  const clock = createVirtualClock();
  let begun = 0;
  const ask = paced(async () => {
    begun += 1;
    const count = begun;
    await clock.sleep(100);
    if (count === 2) throw new Error('the second fails');
    return count;
  }, clock);
  return { clock, ask, begun: () => begun };
}

describe('work that holds the event loop', () => {
  it('is done once for all who ask for it before it begins', async () => {
    const { clock, ask, begun } = aWork();
    const answers = [ask(), ask(), ask()];
    await clock.advance(100);
    expect(await Promise.all(answers)).toEqual([1, 1, 1]);
    expect(begun()).toBe(1);
  });

  it('is done again for who asks after it began, when four times as long has passed as it took', async () => {
    const { clock, ask, begun } = aWork();
    const first = ask();
    await clock.advance(10);
    const late = [ask(), ask()].map((answer) => answer.catch((error: unknown) => String(error)));
    await clock.advance(90 + 399);
    expect(await first).toBe(1);
    expect(begun()).toBe(1);
    await clock.advance(1);
    expect(begun()).toBe(2);
    await clock.advance(100);
    expect(await Promise.all(late)).toEqual(['Error: the second fails', 'Error: the second fails']);
    // A failure is told to those who asked, and is over.
    const next = ask();
    await clock.advance(400 + 100);
    expect(await next).toBe(3);
  });

  it('is held by nobody but those who asked', async () => {
    const clock = createVirtualClock();
    const found: WeakRef<object>[] = [];
    const ask = paced(() => {
      const one = {};
      found.push(new WeakRef(one));
      return Promise.resolve(one);
    }, clock);
    void ask();
    await clock.advance(100);
    collectGarbage();
    expect(found.map((one) => one.deref())).toEqual([undefined]);
  });

  it('is done at once where it is asked for seldom', async () => {
    const { clock, ask, begun } = aWork();
    void ask();
    await clock.advance(100 + 400);
    void ask().catch(() => undefined);
    await clock.advance(0);
    expect(begun()).toBe(2);
  });
});

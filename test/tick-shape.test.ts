import { createHook } from 'node:async_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { holdTickShape } from '../src/tick-shape.ts';

it('keeps an object of a tick alive through every collection', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const seen: WeakRef<object>[] = [];
  const hook = createHook({
    init: (_id, type, _trigger, resource) => {
      if (type === 'TickObject') seen.push(new WeakRef(resource));
    },
  });
  hook.enable();
  process.nextTick(() => undefined);
  holdTickShape();
  hook.disable();
  for (let times = 0; times < 3; times++) {
    await new Promise((resolve) => setImmediate(resolve)); // a WeakRef holds its object until the turn is over
    collect();
  }
  expect(seen.map((one) => one.deref() !== undefined)).toEqual([false, true]);
});

import { createHook } from 'node:async_hooks';

const held: object[] = [];

/**
 * Keeps one of the objects alive that Node makes for each `process.nextTick`. V8 forgets the shape of objects of which
 * none is alive when it collects all garbage, and what it has learnt of the code that makes them; the second time, that
 * code of Node's stays slow for the life of the process (250 ns a tick in place of 57; docs/performance.md).
 */
export function holdTickShape(): void {
  const hook = createHook({
    init: (_id, type, _trigger, resource) => {
      if (type === 'TickObject') held.push(resource);
    },
  });
  hook.enable();
  process.nextTick(() => undefined);
  hook.disable();
}

import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { createRowQueue } from '../../../src/storage/sqlite/row-queue.ts';
import { createRecordingLog } from '../../support/recording-log.ts';

/** A queue over a database that takes everything, and what it has taken. */
function aQueue() {
  const taken: string[] = [];
  const settled = new Map<string, () => void>();
  const queue = createRowQueue<string>({
    ...{ what: 'evaluation', limit: 100, log: createRecordingLog(), clock: systemClock },
    state: () => 'open',
    async commit(entries) {
      await setImmediate();
      taken.push(...entries);
    },
    settle: (entry) => settled.get(entry)?.(),
  });
  const stored = (entry: string) => new Promise<void>((resolve) => settled.set(entry, resolve));
  return { queue, taken, stored };
}

it.each(Array.from({ length: 12 }, (_, turns) => [turns]))(
  'a flush writes what came %d turns of promises after the row before was stored',
  async (turns) => {
    const { queue, taken, stored } = aQueue();
    const isStored = stored('first');
    queue.push('first');
    await isStored;
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    queue.push('second');
    await queue.flush(10_000);
    expect(taken).toEqual(['first', 'second']);
  },
);

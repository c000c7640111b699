import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createFifo } from '../../../src/storage/sqlite/fifo.ts';

const step = fc.oneof(
  fc.record({ push: fc.integer({ min: 1, max: 3_000 }) }),
  fc.record({ take: fc.integer({ min: 0, max: 2_500 }), isPutBack: fc.boolean() }),
);

it('a queue gives back what a plain array would, however it is compacted', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const fifo = createFifo<number>();
      let plain: number[] = [];
      let next = 0;
      for (const one of steps) {
        if ('push' in one) {
          for (let count = 0; count < one.push; count++) {
            fifo.push(next);
            plain.push(next++);
          }
        } else {
          const taken = fifo.take(one.take);
          expect(taken).toEqual(plain.slice(0, one.take));
          if (one.isPutBack) fifo.putBack(taken);
          else plain = plain.slice(one.take);
        }
        expect(fifo.length()).toBe(plain.length);
      }
      expect(fifo.items()).toEqual(plain);
    }),
    { numRuns: 100 },
  );
});

/** First in, first out, at a cost that does not grow with its length: `Array.shift` moves all that is behind. */
export interface Fifo<T> {
  length(): number;
  push(item: T): void;
  /** Takes out the oldest, at most so many, in their order. */
  take(count: number): readonly T[];
  /** Puts back what was taken out. */
  putBack(items: readonly T[]): void;
  /** The item so many places behind the oldest. */
  at(index: number): T | undefined;
  /** All, the oldest first. */
  items(): readonly T[];
}

const leastMoved = 1_024;

export function createFifo<T>(): Fifo<T> {
  let kept: T[] = [];
  let taken = 0; // items at the start of `kept` that are out already

  return {
    length: () => kept.length - taken,
    push: (item) => void kept.push(item),
    take(count) {
      const items = kept.slice(taken, taken + count);
      taken += items.length;
      // An empty one holds nothing: rows that are out would be kept until many are.
      if (taken === kept.length || (taken >= leastMoved && taken * 2 > kept.length)) {
        kept = kept.slice(taken);
        taken = 0;
      }
      return items;
    },
    putBack(items) {
      kept = [...items, ...kept.slice(taken)];
      taken = 0;
    },
    at: (index) => kept[taken + index],
    items: () => kept.slice(taken),
  };
}

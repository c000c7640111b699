import { setFlagsFromString } from 'node:v8';

/**
 * Marking garbage begins when a tenth of the room is taken that V8 leaves for it.
 *
 * That room is half a gigabyte in a young process, and later up to three times what was found alive: with ten thousand
 * SLOs, more than all that they need. Marking goes on in threads of its own, so no decision waits for it.
 */
export const heapFlag = '--incremental-marking-hard-trigger=10';

/** Holds for the whole process, its threads too. */
export function boundGarbage(): void {
  setFlagsFromString(heapFlag);
}

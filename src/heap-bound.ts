import { setFlagsFromString } from 'node:v8';

/** Fewer SLOs leave no garbage worth speaking of, and collecting it more often would cost each decision a fifth more. */
const manySlos = 2_000;

/**
 * Marking garbage begins when a tenth of the room is taken that V8 leaves for it.
 *
 * That room is half a gigabyte in a young process, and later up to three times what was found alive: with ten thousand
 * SLOs, more than all that they need. Marking goes on in threads of its own.
 */
export const heapFlag = '--incremental-marking-hard-trigger=10';

/** Bounds what may gather where there are many SLOs; for the whole process, its threads too, until its end. */
export function boundGarbage(slos: number): void {
  if (slos >= manySlos) setFlagsFromString(heapFlag);
}

import { randomBytes } from 'node:crypto';

const counterSize = 2 ** 24;

/**
 * Makes UUIDv7s for rows: the time, a counter, and the same 48 random bits in all ids of one maker (RFC 9562, section
 * 6.2, method 1). Rows of one millisecond sort in the order in which they were made. Called for every answer, so it asks
 * for random bytes once.
 */
export function createRowIds(): (epochMs: number) => string {
  const maker = randomBytes(6).toString('hex');
  let counter = 0;
  return (epochMs) => {
    const time = hex(Math.max(Math.floor(epochMs), 0), 12);
    const order = hex(counter, 6);
    counter = (counter + 1) % counterSize;
    return `${time.slice(0, 8)}-${time.slice(8)}-7${order.slice(0, 3)}-8${order.slice(3)}-${maker}`;
  };
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

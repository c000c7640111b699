import { randomBytes } from 'node:crypto';

const serials = 2 ** 24;

/**
 * Gives UUIDv7s to rows that are numbered in their order: the time, the number, and the same 48 random bits in all ids of
 * one maker (RFC 9562, section 6.2, method 1). Rows of one millisecond sort in their order, and a row that is sent again
 * has the id that it had.
 */
export function createRowIds(): (epochMs: number, serial: number) => string {
  const maker = randomBytes(6).toString('hex');
  return (epochMs, serial) => {
    const time = hex(Math.max(Math.floor(epochMs), 0), 12);
    const order = hex(serial % serials, 6);
    return `${time.slice(0, 8)}-${time.slice(8)}-7${order.slice(0, 3)}-8${order.slice(3)}-${maker}`;
  };
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

/**
 * How instants stand in the database: `YYYY-MM-DD HH:MM:SS.sss`, UTC. It sorts as text and compares with what
 * `datetime('now', …)`, `strftime` and `BETWEEN` of the runbook's statements make.
 */
export function instantText(epochMs: number): string {
  return new Date(epochMs).toISOString().replace('T', ' ').slice(0, 23);
}

// Ours, those of `datetime()` and of people, and the Go original's: a fraction of any length, an offset or none (UTC).
const form = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}(?::\d{2})?)(?:\.(\d+))?\s*(Z|UTC|[+-]\d{2}:?\d{2})?$/;

/** An instant with what its text says below the millisecond. */
export interface ParsedInstant {
  /** Epoch milliseconds, rounded down. */
  readonly epochMs: number;
  /** Nanoseconds after `epochMs`, 0 to 999,999. */
  readonly restNs: number;
}

/** Reads an instant in any form that a row may hold; null where the text is none. */
export function parseInstant(text: string): ParsedInstant | null {
  const found = form.exec(text.trim());
  if (!found) return null;
  const [, day = '', time = '', fraction = '', zone = 'Z'] = found;
  const seconds = time.length === 5 ? `${time}:00` : time;
  const offset = zone === 'Z' || zone === 'UTC' ? 'Z' : zone.replace(/^(...):?(..)$/, '$1:$2');
  const wholeMs = Date.parse(`${day}T${seconds}${offset}`);
  if (Number.isNaN(wholeMs)) return null;
  const ns = Number(fraction.slice(0, 9).padEnd(9, '0'));
  return { epochMs: wholeMs + Math.floor(ns / 1e6), restNs: ns % 1e6 };
}

// What `instantText` makes, of days that every month has: it is valid as it stands, and nearly every text of a page.
const plain = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8]) (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}$/;

/** The stored text as RFC 3339 in UTC, to the millisecond; as it stands where it is no instant (edited by hand). */
export function rfc3339(text: string): string {
  if (plain.test(text)) return `${text.slice(0, 10)}T${text.slice(11)}Z`;
  const instant = parseInstant(text);
  return instant === null ? text : new Date(instant.epochMs).toISOString();
}

/** The same as JSON: what is plain has nothing to escape, and `JSON.stringify` takes longer than all else. */
export function rfc3339Json(text: string): string {
  return plain.test(text) ? `"${rfc3339(text)}"` : JSON.stringify(rfc3339(text));
}

/**
 * The least text of an instant: rows written by hand have no milliseconds (`10:00:00`), and sort before `10:00:00.000`
 * though they are the same instant.
 */
export function lowestInstantText(epochMs: number): string {
  return instantText(epochMs).replace(/\.000$/, '');
}

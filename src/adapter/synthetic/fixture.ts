import type { Failure, QueryRole, Reading } from '../../eval/measurement.ts';

/** One window of a fixture file. */
export interface FixtureWindow {
  readonly good: Reading;
  readonly total: Reading;
  /** Epoch milliseconds of the newest sample; absent: fresh. */
  readonly dataTimestampMs?: number;
  /** Absent: enough. */
  readonly dataPoints?: number;
  /** What is wrong with `dataTimestamp` or `dataPoints`. */
  readonly faults: readonly Failure[];
}

export type Fixture =
  | { readonly kind: 'fixture'; window(name: string): FixtureWindow }
  | { readonly kind: 'failed'; readonly detail: string };

/** Reads the text of a fixture file. Every fault names the file and the field. */
export function parseFixture(file: string, text: string): Fixture {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return { kind: 'failed', detail: `${file}: broken JSON` };
  }
  if (!isRecord(document)) return { kind: 'failed', detail: `${file}: must be an object with the key windows` };
  const { windows } = document;
  if (!isRecord(windows)) return { kind: 'failed', detail: `${file}: windows must be an object, one key a window` };
  return {
    kind: 'fixture',
    window(name) {
      const fields = Object.hasOwn(windows, name) ? windows[name] : undefined;
      const place = `${file}: windows.${name}`;
      if (isRecord(fields)) return readWindow(place, fields);
      const detail = fields === undefined ? `${place} is missing` : `${place} must be an object`;
      return { good: failed('good', detail), total: failed('total', detail), faults: [] };
    },
  };
}

function readWindow(place: string, fields: Readonly<Record<string, unknown>>): FixtureWindow {
  const { dataTimestamp, dataPoints } = fields;
  const faults: Failure[] = [];
  const dataTimestampMs = typeof dataTimestamp === 'string' ? instantOf(dataTimestamp) : NaN;
  if (dataTimestamp !== undefined && Number.isNaN(dataTimestampMs)) {
    faults.push(failureOf('freshness', `${place}.dataTimestamp is ${show(dataTimestamp)}, not an RFC 3339 instant`));
  }
  const isCount = typeof dataPoints === 'number' && Number.isInteger(dataPoints) && dataPoints >= 0;
  if (dataPoints !== undefined && !isCount) {
    faults.push(failureOf('points', `${place}.dataPoints is ${show(dataPoints)}, not a whole number of samples`));
  }
  return {
    good: readCount('good', `${place}.good`, fields.good),
    total: readCount('total', `${place}.total`, fields.total),
    ...(!Number.isNaN(dataTimestampMs) && { dataTimestampMs }),
    ...(isCount && { dataPoints }),
    faults,
  };
}

/** Absent or null: a query that returned no series. */
function readCount(role: 'good' | 'total', place: string, value: unknown): Reading {
  if (value === undefined || value === null) return { kind: 'series', values: [] };
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return { kind: 'series', values: [value] };
  return failed(role, `${place} is ${show(value)}, not a number of 0 or more`);
}

const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/i;

function instantOf(text: string): number {
  return rfc3339.test(text) ? Date.parse(text) : NaN;
}

function failed(role: QueryRole, detail: string): Reading {
  return { kind: 'failed', failure: failureOf(role, detail) };
}

export function failureOf(role: QueryRole, detail: string): Failure {
  return { role, reason: 'malformed', detail, attempts: 1 };
}

function show(value: unknown): string {
  // JSON reads 1e999 as Infinity, and would write it as null.
  return typeof value === 'number' ? `${value}` : JSON.stringify(value).slice(0, 60);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

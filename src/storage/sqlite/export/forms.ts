import type { ExportForm } from '../../ports.ts';

/** How records, each the JSON of an object on one line, become lines. */
interface Form {
  /** Before the first line. */
  head(fields: readonly string[]): string;
  line(fields: readonly string[], record: string, cursor: string): string;
}

const jsonl: Form = {
  head: () => '',
  line: (_fields, record, cursor) => `${record.slice(0, -1)},"cursor":${JSON.stringify(cursor)}}\n`,
};

/** RFC 4180. Lists and objects are cells of JSON; null is an empty cell. */
const csv: Form = {
  head: (fields) => csvLine([...fields, 'cursor']),
  line(fields, record, cursor) {
    const values = JSON.parse(record) as Readonly<Record<string, unknown>>; // an object, as it was made
    return csvLine([...fields.map((field) => textOf(values[field])), cursor]);
  },
};

export const forms: Readonly<Record<ExportForm, Form>> = { jsonl, csv };

function csvLine(cells: readonly string[]): string {
  return `${cells.map(quoted).join(',')}\r\n`;
}

function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/** What a spreadsheet would take for a formula: callers choose their request ids, and files their services' names. */
const formula = /^[=+\-@\t\r]/;

function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value !== 'string') return JSON.stringify(value);
  return formula.test(value) ? `'${value}` : value;
}

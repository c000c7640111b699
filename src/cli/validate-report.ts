import type { Problem } from '../slo/problem.ts';
import { visible } from '../telemetry/visible.ts';
import { liveText, type LiveReport } from './live-check-report.ts';
import type { Paint } from './terminal.ts';

/** What became of a directory of SLO files. */
export interface Validation {
  /** Number of files read. */
  readonly files: number;
  /** Number of SLOs without an error. */
  readonly validSlos: number;
  readonly problems: readonly Problem[];
  /** Where a live server was asked too. */
  readonly live?: LiveReport;
}

export interface Counts {
  readonly errors: number;
  readonly warnings: number;
}

export function countsOf({ problems }: Validation): Counts {
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  return { errors, warnings: problems.length - errors };
}

/** For programs: stable keys. */
export function jsonReport(validation: Validation, valid: boolean): string {
  const { files, validSlos, live } = validation;
  const problems = inOrder(validation.problems);
  const document = { valid, files, validSlos, ...countsOf(validation), problems, ...(live && { live }) };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** For people, and for editors that read what compilers say: `file:line:column: error: path: message`. */
export function textReport(validation: Validation, paint: Paint): string {
  const { errors, warnings } = countsOf(validation);
  const summary = [
    count(validation.files, 'file'),
    `${count(validation.validSlos, 'SLO')} valid`,
    paint(errors > 0 ? 'red' : 'green', count(errors, 'error')),
    count(warnings, 'warning'),
  ].join(', ');
  const problems = inOrder(validation.problems).map((problem) => problemText(problem, paint));
  return [...problems, ...(validation.live ? [liveText(validation.live)] : []), summary, ''].join('\n');
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** By file and place, an error before a warning at the same place. */
function inOrder(problems: readonly Problem[]): readonly Problem[] {
  return problems.toSorted(
    (a, b) =>
      compare(a.file, b.file) ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0) ||
      compare(a.severity, b.severity),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function problemText(problem: Problem, paint: Paint): string {
  const { severity, file, line, column, path, message } = problem;
  const place = [visible(file), ...[line, column].filter((number) => number !== undefined)].join(':');
  const word = paint(severity === 'error' ? 'red' : 'yellow', `${severity}:`);
  const what = visible(path === '' ? message : `${path}: ${message}`);
  return [`${paint('bold', `${place}:`)} ${word} ${what}`, ...sourceLines(problem, paint)].join('\n');
}

/** A line is shown this far to both sides of its problem. */
const shownBefore = 80;
const shownAfter = 60;

/** The line itself, and a caret under the column. */
function sourceLines({ line, column, lineText }: Problem, paint: Paint): readonly string[] {
  if (line === undefined || column === undefined || lineText === undefined) return [];
  const at = Math.min(column - 1, lineText.length);
  const start = at > shownBefore ? at - shownBefore : 0;
  const before = (start > 0 ? '…' : '') + shown(lineText.slice(start, at));
  const after = shown(lineText.slice(at, at + shownAfter)) + (lineText.length > at + shownAfter ? '…' : '');
  const number = String(line).padStart(5);
  // Tabs stay under tabs, so that the caret stands where the terminal puts the character.
  const indent = before.replace(/[^\t]/gu, ' ');
  return [
    `${paint('dim', `${number} |`)} ${before}${after}`.trimEnd(),
    `${paint('dim', `${' '.repeat(number.length)} |`)} ${indent}${paint('red', '^')}`,
  ];
}

function shown(text: string): string {
  return text.split('\t').map(visible).join('\t');
}

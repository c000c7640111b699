import type { Figure } from './statistics.ts';
import { isReached, ratioOf, type Result } from './result.ts';

const heads = ['what', 'median', 'least to greatest', 'reference', 'ratio', 'to reach', ''];

/** The cells of a table, its head first. */
export function cellsOf(results: readonly Result[]): readonly (readonly string[])[] {
  return [heads, ...results.map(rowOf)];
}

function rowOf(result: Result): string[] {
  const { what, note, unit, value, reference, target } = result;
  const ratio = ratioOf(result);
  return [
    note === undefined ? what : `${what} (${note})`,
    `${short(value.median)} ${unit}`,
    range(value),
    reference === undefined ? '' : `${reference.name}: ${short(reference.value.median)} (${range(reference.value)})`,
    ratio === null ? '' : short(ratio),
    target === undefined ? '' : `${target.bound === 'at least' ? '≥' : '≤'} ${short(target.limit)}`,
    { true: 'reached', false: 'not reached', null: '' }[`${isReached(result)}`],
  ];
}

function range({ least, greatest, rounds }: Figure): string {
  return rounds === 1 ? 'one round' : `${short(least)} to ${short(greatest)}, ${rounds} rounds`;
}

/** Three digits that count; whole numbers from a hundred on, in groups of three. */
export function short(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}

/** For a terminal: columns that stand below each other; without the verdict where the rounds were too short for one. */
export function textTable(results: readonly Result[], isJudged = true): string {
  const rows = cellsOf(results).map((row) => (isJudged ? row : row.slice(0, -2)));
  const widths = heads.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function markdownTable(results: readonly Result[]): string {
  const line = (row: readonly string[]) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const [head = [], ...rows] = cellsOf(results);
  return [head, head.map(() => '---'), ...rows].map(line).join('\n');
}

import { decisions } from '../slo/decision.ts';
import { visible } from '../telemetry/visible.ts';
import type { AuditKind, AuditRow } from './audit-rows.ts';
import { decisionStyles } from './decision-style.ts';
import { jsonText } from './json-text.ts';
import type { Paint } from './terminal.ts';

/** Turns rows into lines; the first lines of a table are its titles. */
export type AuditPrinter = (rows: readonly AuditRow[]) => readonly string[];

type Column = readonly [title: string, cell: (row: Readonly<Record<string, unknown>>) => string];

const text = (name: string): Column[1] => {
  return (row) => {
    const value = row[name];
    return typeof value === 'string' || typeof value === 'boolean' ? visible(String(value)) : '-';
  };
};
const share = (name: string, digits: number): Column[1] => {
  return (row) => {
    const value = row[name];
    return typeof value === 'number' ? `${(value * 100).toFixed(digits)}%` : '-';
  };
};

const columns: Readonly<Record<AuditKind, readonly Column[]>> = {
  evaluations: [
    ['TIME', text('timestamp')],
    ['DECISION', text('decision')],
    ['SLO', text('sloID')],
    ['SERVICE', text('service')],
    ['ENVIRONMENT', text('environment')],
    ['SLI', share('sli', 2)],
    ['BUDGET', share('budgetRemaining', 0)],
    ['REASONS', ({ reasons }) => (Array.isArray(reasons) ? visible(reasons.join('; ')) : '-')],
  ],
  decisions: [
    ['TIME', text('timestamp')],
    ['DECISION', text('decision')],
    ['SLO', text('sloID')],
    ['CALLER', text('caller')],
    ['ADDRESS', text('address')],
    ['ANSWERS', ({ count }) => (typeof count === 'number' ? String(count) : '1')],
    ['FORCED', ({ forced }) => (forced === true ? 'forced' : '-')],
    ['EVALUATION', text('evaluationID')],
  ],
  orders: [
    ['TIME', text('timestamp')],
    ['CALLER', text('caller')],
    ['ADDRESS', text('address')],
    ['ORDER', text('order')],
    ['PARAMETERS', ({ parameters }) => visible(JSON.stringify(parameters ?? {}))],
    ['OUTCOME', text('outcome')],
  ],
};

/** A row as the server sent it, one a line. */
export const jsonLines: AuditPrinter = (rows) => rows.map((row) => jsonText(row));

/** Columns grow with what comes, and never shrink: what follows stays below its title as far as can be. */
export function createTable(kind: AuditKind, paint: Paint): AuditPrinter {
  const widths = columns[kind].map(([title]) => title.length);
  let hasTitles = false;
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd();
  return (rows) => {
    const cells = rows.map((row) => columns[kind].map(([, cell]) => cell({ ...row })));
    for (const row of cells) row.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, cell.length)));
    const lines = cells.map((row) => colouredDecision(line(row), paint));
    if (hasTitles || rows.length === 0) return lines;
    hasTitles = true;
    return [paint('dim', line(columns[kind].map(([title]) => title))), ...lines];
  };
}

/** The first word of a line that is a decision, which is that of its column. */
function colouredDecision(line: string, paint: Paint): string {
  return line.replace(/(?<=^\S+ +)(?:ALLOW|WARN|BLOCK)\b/, (word) => {
    const decision = decisions.find((one) => one === word);
    return decision === undefined ? word : paint(decisionStyles[decision], word);
  });
}

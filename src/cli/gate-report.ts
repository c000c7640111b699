import { visible } from '../telemetry/visible.ts';
import { decisionStyles, worstFirst } from './decision-style.ts';
import type { GateAnswer } from './gate-answer.ts';
import { jsonText } from './json-text.ts';
import type { FailOn, Verdict } from './judge.ts';
import type { Paint, Style } from './terminal.ts';

/** What came of one question. */
export type GateResult = { readonly name: string } & (
  | { readonly verdict: 'goOn'; readonly answer: GateAnswer }
  | { readonly verdict: 'blocked'; readonly answer: GateAnswer; readonly why: string }
  | { readonly verdict: 'noDecision'; readonly why: string }
);

export interface GateReport {
  readonly verdict: Verdict;
  readonly exitCode: number;
  readonly failOn: FailOn;
  readonly dryRun: boolean;
  readonly results: readonly GateResult[];
}

/** For programs: stable keys; `answer` is the server's, as it came. `exitCode` is that of the verdict, also in a dry run. */
export function jsonReport({ verdict, exitCode, failOn, dryRun, results }: GateReport): string {
  const document = {
    verdict,
    exitCode,
    failOn,
    dryRun,
    results: results.map((result) => ({
      name: result.name,
      verdict: result.verdict,
      why: result.verdict === 'goOn' ? null : result.why,
      answer: result.verdict === 'noDecision' ? null : result.answer.body,
    })),
  };
  return `${jsonText(document, 2)}\n`;
}

const verdictLines: Readonly<Record<Verdict, readonly [Style, string]>> = {
  goOn: ['green', 'go on'],
  blocked: ['red', 'blocked'],
  noDecision: ['red', 'no decision'],
};

/** For people: a table, the worst first and its reason beside it, and the verdict. */
export function textReport(report: GateReport, paint: Paint): string {
  const answered = report.results
    .flatMap((result) => (result.verdict === 'noDecision' ? [] : [result]))
    .sort((a, b) => worstFirst[a.answer.decision] - worstFirst[b.answer.decision]);
  return [...(answered.length === 0 ? [] : table(answered, paint)), outcome(report, paint), ''].join('\n');
}

function table(answered: readonly (GateResult & { readonly answer: GateAnswer })[], paint: Paint): readonly string[] {
  const rows = answered.map(({ name, answer }) => [answer.decision, visible(name), ...numbersOf(answer)]);
  const widths = titles.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const padded = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0));
  const indent = padded(titles.map(() => '')).join('  ');
  const lines = answered.flatMap(({ answer }, index) => {
    const [decision = '', ...others] = padded(rows[index] ?? []);
    const cells = [paint(decisionStyles[answer.decision], decision), ...others].join('  ');
    const besides = [
      ...reasonsOf(answer).map((reason) => visible(reason)),
      ...answer.notes.map((note) => paint('dim', `note: ${visible(note)}`)),
    ];
    return besides.length === 0 ? [cells] : besides.map((text, at) => `${at === 0 ? cells : indent}  ${text}`);
  });
  return [paint('dim', `${padded(titles).join('  ')}  REASON`), ...lines, ''];
}

function outcome({ verdict, dryRun, exitCode, results }: GateReport, paint: Paint): string {
  const [style, word] = verdictLines[verdict];
  const whys = results.flatMap((result) => (result.verdict === 'goOn' ? [] : [`${result.name}: ${result.why}`]));
  const because = whys.length === 0 ? '' : `: ${visible(whys.join('; '))}`;
  return `${paint(style, word)}${because}${dryRun ? ` (dry run: exit code 0 in place of ${exitCode})` : ''}`;
}

const titles = ['DECISION', 'SLO', 'SLI', 'BUDGET', 'AGE'];

function numbersOf({ sliValue, budgetRemaining, ageSeconds }: GateAnswer): readonly string[] {
  return [
    sliValue === null ? '-' : sliValue.toFixed(4),
    budgetRemaining === null ? '-' : `${Math.round(budgetRemaining * 100)}%`,
    ageSeconds === null ? '-' : `${Math.round(ageSeconds)}s`,
  ];
}

/** Reasons with those that make a BLOCK first; of a state, its SLOs with their decisions, the worst first. */
export function reasonsOf(answer: GateAnswer): readonly string[] {
  if (answer.decisions.length > 0 || answer.filesInError.length > 0) {
    const slos = answer.decisions.toSorted(([, a], [, b]) => worstFirst[a] - worstFirst[b]);
    return [
      ...slos.map(([sloId, decision]) => `${decision} ${sloId}`),
      ...answer.filesInError.map((file) => `file in error: ${file}`),
      `codes: ${answer.reasonCodes.join(', ')}`,
    ];
  }
  const ranked = answer.reasons.map((reason, index) => ({ reason, rank: rankOf(answer.reasonCodes[index]) }));
  return ranked.toSorted((a, b) => a.rank - b.rank).map(({ reason }) => reason);
}

function rankOf(code: string | undefined): number {
  return code === 'rule_triggered' || code === 'held' ? 0 : 1;
}

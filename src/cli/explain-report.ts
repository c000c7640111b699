import type { SentQuery } from '../eval/measurement.ts';
import { arithmeticOf } from '../policy/evidence-answer.ts';
import { visible } from '../telemetry/visible.ts';
import { decisionStyles } from './decision-style.ts';
import { budgetSentence, forecastBudget } from './explain-budget.ts';
import type { Evidence, RecordedEvaluation } from './explain-evaluation.ts';
import { instantOf, otherNotes, queriesToPaste, rankReasons, unknowns } from './explain-findings.ts';
import { windowTable } from './explain-windows.ts';
import type { GateAnswer } from './gate-answer.ts';
import { jsonText } from './json-text.ts';
import type { Paint } from './terminal.ts';

/** An evaluation to explain, and what it counts as now where that was asked for. */
export interface Explained {
  readonly recorded: RecordedEvaluation;
  readonly evidence: Evidence;
  readonly standing: GateAnswer | undefined;
}

/** For programs: stable keys; `evaluation` is the server's answer, as it came. */
export function jsonExplanation({ recorded, evidence, standing }: Explained): string {
  const { slo, measurement, result } = evidence;
  const paste = queriesToPaste(evidence);
  const { decision, reasons } = standing ?? recorded;
  const document = {
    sloID: recorded.sloId,
    evaluationID: recorded.evaluationId,
    decision,
    reasons: rankReasons(decision, reasons, result.items),
    ageSeconds: standing?.ageSeconds ?? null,
    budget: forecastBudget(slo, result),
    unknown: unknowns(slo, measurement),
    paste: { at: new Date(instantOf(paste, measurement)).toISOString(), queries: paste },
    evaluation: recorded.body,
  };
  return `${jsonText(document, 2)}\n`;
}

/** For people: the decision and its reason, the numbers, the queries, where all this comes from. */
export function textExplanation(explained: Explained, paint: Paint): string {
  const { recorded, evidence, standing } = explained;
  const { slo, measurement, result } = evidence;
  const section = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : ['', paint('bold', title), ...lines.map((line) => `  ${line}`)];
  const lines = [
    ...headline(explained, paint),
    budgetSentence(forecastBudget(slo, result), slo.complianceWindow),
    '',
    ...windowTable(evidence, paint),
    ...section('Rules', ruleLines(evidence, paint)),
    ...section('Not known', unknowns(slo, measurement).map(visible)),
    ...section('Notes', otherNotes(evidence).map(visible)),
    ...pasteLines(evidence, paint),
    '',
    ...originLines(recorded, evidence, standing).map((line) => paint('dim', visible(line))),
  ];
  return `${lines.join('\n')}\n`;
}

function headline({ recorded, evidence, standing }: Explained, paint: Paint): readonly string[] {
  const { slo, result } = evidence;
  const { decision, reasons } = standing ?? recorded;
  const [first = 'no reason given', ...others] = rankReasons(decision, reasons, result.items).map(visible);
  const what = `${slo.id} (${slo.service}, ${slo.environment})`;
  return [
    `${paint(decisionStyles[decision], decision)}  ${visible(what)}: ${first}`,
    ...others.map((reason) => `and: ${reason}`),
    ...(decision === recorded.decision ? [] : [`the evaluation itself said ${recorded.decision}`]),
  ];
}

function ruleLines({ result }: Evidence, paint: Paint): readonly string[] {
  const width = Math.max(...result.rules.map(({ name }) => name.length));
  return result.rules.map((rule) => {
    const what = rule.triggered ? rule.action : '-';
    const text = `${visible(rule.name.padEnd(width))}  ${what.padEnd(5)}  ${arithmeticOf(rule, result)}`;
    return rule.triggered ? paint(decisionStyles[rule.action], text) : text;
  });
}

function pasteLines(evidence: Evidence, paint: Paint): readonly string[] {
  const queries = queriesToPaste(evidence);
  const atMs = instantOf(queries, evidence.measurement);
  if (evidence.adapter === 'synthetic')
    return ['', paint('bold', 'No queries: the numbers are synthetic data from fixtures')];
  if (queries.length === 0) return [];
  const title = `Paste into Prometheus, evaluated at ${new Date(atMs).toISOString()} (time=${(atMs / 1000).toFixed(3)})`;
  return ['', paint('bold', title), ...queries.flatMap((query) => queryLines(query, paint))];
}

/** A query of several lines stays so: joined, a comment in it would swallow the rest. */
function queryLines({ role, window, promql }: SentQuery, paint: Paint): readonly string[] {
  const name = window === undefined ? role : `${role} of ${window}`;
  return [paint('dim', `  # ${name}`), ...promql.split(/\r?\n/).map((line) => `  ${visible(line)}`)];
}

function originLines(
  { evaluationId, timestamp }: RecordedEvaluation,
  { slo, specHash, softwareVersion, adapter }: Evidence,
  standing: GateAnswer | undefined,
): readonly string[] {
  const age = typeof standing?.ageSeconds === 'number' ? `, ${Math.round(standing.ageSeconds)}s ago` : '';
  return [
    `evaluation ${evaluationId} at ${timestamp}${age}, every ${slo.evaluationInterval.text}`,
    `SLO hash ${specHash ?? 'not known'}`,
    `decided by AegisSLO ${softwareVersion} from ${adapter}`,
  ];
}

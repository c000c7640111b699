import { stringify } from 'yaml';
import { parseDuration } from '../slo/duration.ts';
import { errorBudget } from '../slo/error-budget.ts';
import { workbookRules, workbookRulesFor, type WorkbookRule } from '../slo/workbook.ts';
import type { Draft } from './slo-draft.ts';
import { sliOf, type DraftSli } from './slo-queries.ts';

/** The text of an SLO file, with comments for whoever changes it. */
export function sloFile(draft: Draft): string {
  const sli = sliOf(draft);
  const { id, service, environment, owner, objective } = draft;
  return [
    ...comment(`${percent(objective)} of the ${sli.events} of ${service} ${sli.isGood}, over 30 days.`),
    'apiVersion: aegis.slo/v1',
    'kind: SLO',
    'metadata:',
    `  id: ${scalar(id)}`,
    `  service: ${scalar(service)}`,
    ...(owner === undefined ? ['  # owner: the team that is asked'] : [`  owner: ${scalar(owner)}`]),
    '  # annotations: { runbook: https://… }',
    '',
    'spec:',
    `  environment: ${scalar(environment)}`,
    `  objective: ${objective} # ${percent(errorBudget(objective))} of the ${sli.events} may be bad: the error budget`,
    '  complianceWindow: 30d',
    '  evaluationInterval: 1m',
    '',
    ...sliLines(sli),
    '',
    ...ruleLines(draft, sli),
    '',
    ...gatingLines(draft, sli),
    '',
  ].join('\n');
}

function sliLines({ type, thresholdMs, why, good, total }: DraftSli): string[] {
  return [
    '  sli:',
    `    type: ${type}`,
    ...(thresholdMs === undefined ? [] : [`    thresholdMs: ${thresholdMs}`]),
    ...comment(`Both queries are asked for each window, which takes the place of {{window}}. ${why}`, 4),
    '    good:',
    '      prometheusQuery: |',
    ...good.split('\n').map((line) => `        ${line}`),
    '    total:',
    '      prometheusQuery: |',
    ...total.split('\n').map((line) => `        ${line}`),
  ];
}

function ruleLines({ objective }: Draft, sli: DraftSli): string[] {
  const kept = workbookRulesFor(objective);
  const dropped = workbookRules.filter((rule) => !kept.includes(rule));
  const most = significant(1 / errorBudget(objective));
  const isHeld = kept.some(({ action }) => action === 'BLOCK');
  return [
    ...comment(
      'The rules of the SRE Workbook (https://sre.google/workbook/alerting-on-slos/): a rule triggers when both of its windows burn the budget at the threshold or faster. What would page someone holds a release (BLOCK), what would open a ticket lets it pass and says so (WARN).',
      2,
    ),
    ...(dropped.length === 0
      ? []
      : comment(
          `Left out: ${dropped.map(({ name, threshold }) => `${name} (${threshold}x)`).join(', ')}. At this objective the burn rate is ${most} when every one of the ${sli.events} is bad, and no error rate reaches more.${isHeld ? '' : ' Nothing holds a release then: give a rule the action BLOCK where it should.'}`,
          2,
        )),
    '  burnPolicy:',
    '    rules:',
    ...kept.flatMap((rule, index) => [...(index === 0 ? [] : ['']), ...ruleLine(rule, objective, sli)]),
  ];
}

const monthMs = 30 * 86_400_000;

function ruleLine(rule: WorkbookRule, objective: number, { events, isBad }: DraftSli): string[] {
  const { name, shortWindow, longWindow, threshold, action } = rule;
  const spent = percent((threshold * lengthMs(longWindow)) / monthMs);
  const reachedAt = percent(threshold * errorBudget(objective));
  return [
    ...comment(`${spent} of the budget within ${longWindow}: ${reachedAt} of the ${events} ${isBad}.`, 6),
    `      - name: ${name}`,
    `        shortWindow: ${shortWindow}`,
    `        longWindow: ${longWindow}`,
    `        threshold: ${threshold}`,
    `        action: ${action}`,
  ];
}

const shortestOfAll = '5m';

function gatingLines({ objective, scrapeIntervalMs, noTraffic }: Draft, sli: DraftSli): string[] {
  const shortest = workbookRulesFor(objective)[0]?.shortWindow ?? shortestOfAll;
  const samples = Math.floor(lengthMs(shortest) / scrapeIntervalMs);
  // Enough for a rate over 5m; over a longer window a service that is young should not be held back.
  const least = Math.floor((lengthMs(shortestOfAll) / scrapeIntervalMs) * 0.8);
  return [
    '  gating:',
    ...comment(
      `A scrape interval of ${scrapeIntervalMs / 1000}s gives ${samples} samples of each series in ${shortest}; with fewer than this the answer is WARN.`,
      4,
    ),
    `    minDataPoints: ${least}`,
    ...comment(
      'Four scrape intervals or more: the age of the newest sample from which on nothing is known, a WARN.',
      4,
    ),
    `    stalenessLimit: ${Math.max(2, Math.ceil((4 * scrapeIntervalMs) / 60_000))}m`,
    ...(sli.freshnessSelector === undefined
      ? []
      : [
          ...comment(
            'The age is that of the series that are always there. Where errors are counted by another process than these, take the line away, and both are judged: a dead one must not pass as health.',
            4,
          ),
          `    freshnessSelector: ${scalar(sli.freshnessSelector)}`,
        ]),
    ...(sli.hasTraffic
      ? [
          ...comment(
            'What no traffic at all counts as, while the series are fresh: WARN, ALLOW where that is rightly so at times, BLOCK where it never is.',
            4,
          ),
          `    noTraffic: ${noTraffic}`,
        ]
      : []),
  ];
}

const lengthMs = (window: string) => parseDuration(window)?.ms ?? NaN;

/** A text as YAML writes it on one line: quoted where it would be something else. */
function scalar(text: string): string {
  return stringify(text, { lineWidth: 0, defaultStringType: 'PLAIN', blockQuote: false }).trimEnd();
}

function significant(value: number): number {
  return Number(value.toPrecision(6));
}

function percent(ratio: number): string {
  return `${significant(ratio * 100)}%`;
}

const lineWidth = 118;

function comment(text: string, indent = 0): string[] {
  const prefix = `${' '.repeat(indent)}#`;
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= lineWidth) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`${prefix} ${word}`);
  }
  return lines;
}

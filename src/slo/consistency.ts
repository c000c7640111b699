import { hasPlaceholder } from '../promql/window-placeholder.ts';
import { parseDuration } from './duration.ts';
import { canBeReached, errorBudget } from './error-budget.ts';
import type { Facts } from './facts.ts';
import { error, warning, type Finding } from './finding.ts';
import type { JsonPath } from './json-path.ts';
import type { SloFile } from './schema.ts';

const rulesPath = ['spec', 'burnPolicy', 'rules'] as const;

/** What the schema cannot say: rules that hold between fields. */
export function checkConsistency(facts: Facts): Finding[] {
  return [
    ...checkRuleNames(facts),
    ...checkRuleWindows(facts),
    ...checkComplianceWindow(facts),
    ...checkThresholds(facts),
    ...checkPlaceholders(facts),
  ];
}

/** Durations that the schema's pattern lets through and nobody can query. */
export function checkDurations({ spec }: SloFile): Finding[] {
  const durations: { path: JsonPath; text: string }[] = [
    { path: ['spec', 'complianceWindow'], text: spec.complianceWindow },
    { path: ['spec', 'evaluationInterval'], text: spec.evaluationInterval },
    ...spec.burnPolicy.rules.flatMap((rule, index) => [
      { path: [...rulesPath, index, 'shortWindow'], text: rule.shortWindow },
      { path: [...rulesPath, index, 'longWindow'], text: rule.longWindow },
    ]),
    { path: ['spec', 'gating', 'stalenessLimit'], text: spec.gating.stalenessLimit },
  ];
  return durations
    .filter(({ text }) => parseDuration(text) === undefined)
    .map(({ path, text }) => error(path, `${text} is not allowed: Prometheus cannot hold more than 292 years`));
}

function checkRuleNames({ rules }: Facts): Finding[] {
  const names = rules.map(({ name }) => name);
  return names.flatMap((name, index) => {
    const first = names.indexOf(name);
    if (name === undefined || first === index) return [];
    const message = `${name} is the name of rules[${first}] too: names of rules are unique`;
    return [error([...rulesPath, index, 'name'], message)];
  });
}

function checkRuleWindows({ rules }: Facts): Finding[] {
  return rules.flatMap(({ shortWindow, longWindow }, index) => {
    if (shortWindow === undefined || longWindow === undefined || shortWindow.ms < longWindow.ms) return [];
    const message = `${shortWindow.text} is not allowed: shortWindow is shorter than longWindow (${longWindow.text})`;
    return [error([...rulesPath, index, 'shortWindow'], message)];
  });
}

function checkComplianceWindow({ complianceWindow, rules }: Facts): Finding[] {
  const windows = rules.flatMap(({ shortWindow, longWindow }) => [shortWindow ?? [], longWindow ?? []].flat());
  const longest = windows.reduce((a, b) => (b.ms > a.ms ? b : a), { text: '', ms: 0 });
  if (complianceWindow === undefined || complianceWindow.ms >= longest.ms) return [];
  const message = `${complianceWindow.text} is not allowed: complianceWindow is at least as long as every window of a rule (the longest is ${longest.text})`;
  return [error(['spec', 'complianceWindow'], message)];
}

function checkThresholds({ objective, rules }: Facts): Finding[] {
  if (objective === undefined) return [];
  return rules.flatMap(({ threshold }, index) => {
    if (threshold === undefined || canBeReached(threshold, objective)) return [];
    const most = Number((1 / errorBudget(objective)).toPrecision(6));
    const message = `no error rate can reach this threshold: at an objective of ${objective} the burn rate is ${most} when every event is an error`;
    return [warning([...rulesPath, index, 'threshold'], message)];
  });
}

function checkPlaceholders({ goodQuery, totalQuery }: Facts): Finding[] {
  if (goodQuery === undefined || totalQuery === undefined) return [];
  const lacking = [
    { path: ['spec', 'sli', 'good', 'prometheusQuery'], query: goodQuery },
    { path: ['spec', 'sli', 'total', 'prometheusQuery'], query: totalQuery },
  ].filter(({ query }) => !hasPlaceholder(query));
  if (lacking.length === 1) {
    const message = '{{window}} is missing in this query and stands in the other: both use it, or neither';
    return lacking.map(({ path }) => error(path, message, { character: 0 }));
  }
  const message = 'the query does not use {{window}}: it reads the same for every window';
  return lacking.map(({ path }) => warning(path, message, { character: 0 }));
}

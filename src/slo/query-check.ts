import { analysisOf, analyze, parse, type Parsed } from '../promql/analyze.ts';
import type { Selector } from '../promql/selector.ts';
import { unguardedSubtraction } from '../promql/subtraction.ts';
import { hasPlaceholder, withStandInWindow, withoutStandIn } from '../promql/window-placeholder.ts';
import { error, warning, type Finding } from './finding.ts';
import type { JsonPath } from './json-path.ts';
import type { Facts } from './facts.ts';

const goodPath = ['spec', 'sli', 'good', 'prometheusQuery'] as const;
const totalPath = ['spec', 'sli', 'total', 'prometheusQuery'] as const;
const selectorPath = ['spec', 'gating', 'freshnessSelector'] as const;

/** What the PromQL of an SLO says before it is sent. */
export function checkQueries({ goodQuery, totalQuery, freshnessSelector }: Facts): Finding[] {
  const judgedApart = freshnessSelector !== undefined;
  const parsedGood = goodQuery === undefined ? undefined : parse(withStandInWindow(goodQuery));
  const good = checkQuery(goodPath, parsedGood, judgedApart);
  const parsedTotal = totalQuery === undefined ? undefined : parse(withStandInWindow(totalQuery));
  const total = checkQuery(totalPath, parsedTotal, judgedApart);
  return [
    ...good.findings,
    ...total.findings,
    ...(goodQuery === undefined || parsedGood === undefined ? [] : checkSubtraction(goodQuery, parsedGood)),
    ...(judgedApart ? checkFreshnessSelector(freshnessSelector) : adviseFreshness(good.selectors, total.selectors)),
  ];
}

interface QueryCheck {
  readonly findings: readonly Finding[];
  readonly selectors: readonly Selector[];
}

function checkQuery(path: JsonPath, parsed: Parsed | undefined, judgedApart: boolean): QueryCheck {
  if (parsed === undefined) return { findings: [], selectors: [] };
  const analysis = analysisOf(parsed);
  if (!analysis.ok) {
    const at = { character: analysis.offset };
    if (!judgedApart) return { findings: [error(path, `PromQL: ${analysis.message}`, at)], selectors: [] };
    // MetricsQL, or a PromQL newer than our grammar: freshness does not need its selectors.
    const message = `PromQL: ${analysis.message}; not checked further, the query is sent as it stands`;
    return { findings: [warning(path, message, at)], selectors: [] };
  }
  const { type, selectors } = analysis;
  if (type === 'matrix' || type === 'string') {
    const what = type === 'matrix' ? 'a range vector: use a function over it, like rate()' : 'a string';
    return {
      findings: [
        error(path, `PromQL: the query gives ${what}; it has to give an instant vector or a scalar`, { character: 0 }),
      ],
      selectors,
    };
  }
  const findings = selectors
    .filter(({ metricName }) => metricName === undefined)
    .map(({ text, offset }) => {
      const message = `the selector ${withoutStandIn(text)} names no metric: it reads every series that has these labels`;
      return warning(path, message, { character: offset });
    });
  return { findings, selectors };
}

function checkSubtraction(query: string, parsed: Parsed): Finding[] {
  const found = unguardedSubtraction(query, parsed);
  if (found === undefined) return [];
  const remedy = found.remedy ?? 'T - (E or 0 * T)';
  const message = `while the subtracted series do not exist (a service that has never failed) this is empty, and counts as 100 % errors: write ${remedy}`;
  return [warning(goodPath, message, { character: found.offset })];
}

function adviseFreshness(good: readonly Selector[], total: readonly Selector[]): Finding[] {
  const recorded = [
    { path: goodPath, selectors: good },
    { path: totalPath, selectors: total },
  ].filter(({ selectors }) => selectors.length > 0 && selectors.every(({ metricName }) => metricName?.includes(':')));
  if (recorded.length > 0) {
    const message =
      'the query reads recorded series only, which stay fresh when their sources die: name the raw series in spec.gating.freshnessSelector';
    return recorded.map(({ path }) => warning(path, message, { character: 0 }));
  }
  const families = new Set([...good, ...total].map(({ metricName, text }) => familyOf(metricName ?? text)));
  if (families.size < 2) return [];
  const message = `good and total read more than one metric (${withoutStandIn([...families].join(', '))}), and the age of each is judged: where one may rightly be absent or old, name the series to judge by in spec.gating.freshnessSelector`;
  return [warning(['spec', 'sli'], message, 'key')];
}

/** The series of one histogram or summary come and go together. */
function familyOf(metric: string): string {
  return metric.replace(/_(bucket|count|sum)$/, '');
}

function checkFreshnessSelector(selector: string): Finding[] {
  if (hasPlaceholder(selector)) {
    return [error(selectorPath, 'the selector is not asked for a window: {{window}} and ranges do not belong in it')];
  }
  const analysis = analyze(selector);
  if (!analysis.ok) return [error(selectorPath, `PromQL: ${analysis.message}`, { character: analysis.offset })];
  if (!analysis.isSelector) {
    return [
      error(selectorPath, 'this is more than a PromQL vector selector: write only name{labels}, like up{job="api"}'),
    ];
  }
  return [];
}

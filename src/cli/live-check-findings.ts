import type { LiveAnswer } from '../adapter/prometheus/live/source.ts';
import { andMore, roughNumber } from '../policy/wording.ts';
import { warning, type Finding } from '../slo/finding.ts';
import { longestRuleWindow, shortestRuleWindow } from '../slo/model.ts';
import type { RateRange } from './live-check-queries.ts';
import { seconds, totalSeconds } from './live-check-report.ts';
import { countedSelectors, freshnessSelectors, type LiveFacts } from './live-check-slo.ts';

/** What is wrong or doubtful, from what a server says of an SLO. `timeoutMs` bounds one request of an evaluation. */
export function liveFindings(facts: LiveFacts, timeoutMs: number): readonly Finding[] {
  return [
    ...answerFindings(facts),
    ...selectorFindings(facts),
    ...rateFindings(facts),
    ...pointFindings(facts),
    ...costFindings(facts, timeoutMs),
  ];
}

const pathOf = (role: 'good' | 'total') => ['spec', 'sli', role, 'prometheusQuery'] as const;

interface Remark {
  readonly severity: 'error' | 'warning';
  /** `the server refuses the query` or the like; the windows stand after it. */
  readonly what: string;
  readonly detail: string;
}

/** One finding for each query and remark, whatever the number of windows that it is true of. */
function answerFindings(facts: LiveFacts): readonly Finding[] {
  return (['good', 'total'] as const).flatMap((role) => {
    const remarks = new Map<string, { remark: Remark; windows: string[] }>();
    for (const { query, answer } of facts.queries) {
      if (query.role !== role || answer === undefined) continue;
      const isCauseTold = query.selectors.some(({ text }) => facts.series.get(text) !== 'now');
      for (const remark of remarksOn(answer, role, isCauseTold)) {
        const key = JSON.stringify(remark);
        const known = remarks.get(key) ?? { remark, windows: [] };
        known.windows.push(query.window.name);
        remarks.set(key, known);
      }
    }
    return [...remarks.values()].map(({ remark, windows }) => {
      const shown = windows.slice(0, 3).join(', ') + andMore(windows.length - 3, 'window', 'windows');
      const message = `${remark.what} (${shown}): ${remark.detail}`;
      return { ...warning(pathOf(role), message, { character: 0 }), severity: remark.severity };
    });
  });
}

function remarksOn(answer: LiveAnswer, role: 'good' | 'total', isCauseTold: boolean): readonly Remark[] {
  if (answer.kind === 'failed') {
    const { reason, detail, refused } = answer.failure;
    if (refused) return [{ severity: 'error', what: 'the server refuses the query', detail }];
    if (reason === 'malformed' || reason === 'bad-query')
      return [{ severity: 'error', what: 'the answer cannot be used', detail }];
    return [{ severity: 'warning', what: 'not checked', detail: `${reason}: ${detail}` }];
  }
  const values = answer.values.query ?? [];
  const remark = (what: string, detail: string): Remark => ({ severity: 'warning', what, detail });
  const said = answer.warnings.map((text) => remark('the server warns', `${text}; every decision is at least WARN`));
  if (values.length === 0 && !isCauseTold) {
    const means = role === 'total' ? 'it counts as no data' : 'it counts as no success at all';
    return [...said, remark('the query gives no series', means)];
  }
  const odd = values.find((value) => !Number.isFinite(value));
  const negative = values.find((value) => Number.isFinite(value) && value < 0);
  return [
    ...said,
    ...(odd === undefined ? [] : [remark(`the query gives ${odd}`, 'it counts as no data')]),
    ...(negative === undefined ? [] : [remark(`the query gives ${negative}`, 'a negative count is a failed query')]),
  ];
}

function selectorFindings({ slo, queries, series }: LiveFacts): readonly Finding[] {
  const told = new Set<string>();
  const message = (selector: string) => {
    const presence = series.get(selector);
    if ((presence !== 'past' && presence !== 'none') || told.has(selector)) return undefined;
    told.add(selector);
    const { name } = longestRuleWindow(slo);
    return presence === 'past'
      ? `no series match ${selector} now; there were some within ${name}`
      : `no series match ${selector}, now or within ${name}: check the name and the labels`;
  };
  const found: Finding[] = [];
  for (const { query } of queries) {
    for (const { text, character } of query.selectors) {
      const says = message(text);
      if (says !== undefined) found.push(warning(pathOf(query.role), says, { character }));
    }
  }
  for (const selector of freshnessSelectors(slo)) {
    const says = message(selector);
    if (says !== undefined) found.push(warning(['spec', 'gating', 'freshnessSelector'], says));
  }
  return found;
}

// A range of four scrapes holds two samples also when one is missed; estimates may be a little too high.
const wantedSamples = 4;
const estimateTolerance = 0.95;

/** The shortest range of each query over each selector, because that one starves first. */
function rateFindings({ queries, scrapes }: LiveFacts): readonly Finding[] {
  const shortest = new Map<string, { rate: RateRange; role: 'good' | 'total' }>();
  for (const { query } of queries) {
    for (const rate of query.rates) {
      const key = `${query.role} ${rate.selector}`;
      const known = shortest.get(key);
      if (known === undefined || rate.rangeMs < known.rate.rangeMs) shortest.set(key, { rate, role: query.role });
    }
  }
  return [...shortest.values()].flatMap(({ rate, role }) => {
    const scrape = scrapes.get(rate.selector);
    if (scrape === undefined) return [];
    const samples = rate.rangeMs / scrape.intervalMs;
    if (samples >= wantedSamples * estimateTolerance) return [];
    const holds =
      samples < 2 * estimateTolerance
        ? 'fewer than two samples, so that it is mostly empty'
        : 'so few samples that one missed scrape empties it';
    const message =
      `${rate.functionName}() over ${seconds(rate.rangeMs)} of ${rate.selector}, scraped about every ` +
      `${seconds(scrape.intervalMs)}, sees ${holds}: take at least ${seconds(wantedSamples * scrape.intervalMs)}`;
    return [warning(pathOf(role), message, { character: rate.character })];
  });
}

function pointFindings({ slo, queries, scrapes }: LiveFacts): readonly Finding[] {
  const counted = countedSelectors(slo, queries).flatMap((selector) => scrapes.get(selector) ?? []);
  const best = counted.toSorted((a, b) => b.series * b.mostSamples - a.series * a.mostSamples)[0];
  const required = slo.gating.minDataPoints;
  if (best === undefined || best.series * best.mostSamples >= required) return [];
  const { name } = shortestRuleWindow(slo);
  const message =
    `${name} can hold ${roughNumber(best.series * best.mostSamples)} samples (${best.series} series, scraped about every ` +
    `${seconds(best.intervalMs)}), and ${required} are required: every decision is at least WARN`;
  return [warning(['spec', 'gating', 'minDataPoints'], message)];
}

function costFindings({ queries }: LiveFacts, timeoutMs: number): readonly Finding[] {
  const spent = totalSeconds(queries);
  if (spent * 1000 <= timeoutMs) return [];
  const message =
    `the queries of one evaluation took ${spent.toFixed(1)}s together; they are one request, which has ` +
    `${seconds(timeoutMs)} (--prometheus-timeout)`;
  return [warning(['spec', 'sli'], message, 'key')];
}

import type { Freshness, SampleAge } from '../../eval/measurement.ts';
import type { Selector } from '../../promql/selector.ts';
import { inOnePiece } from '../../slo/in-one-piece.ts';
import { longestRuleWindow, type Slo } from '../../slo/model.ts';
import { checkAnswer, checkAnswers, type ReadingOf } from './check-answer.ts';
import { checkUnit, type Unit } from './part.ts';
import { alignedSubquery, anyOf, type Subquery } from './promql-text.ts';

/** Selectors that are judged together: those of one metric name. */
export interface MetricGroup {
  readonly metric: string;
  readonly selectors: readonly string[];
}

export function metricGroups(selectors: readonly Selector[]): readonly MetricGroup[] {
  const byMetric = new Map<string, Set<string>>();
  for (const { text, metricName } of selectors) {
    const metric = metricName ?? text;
    byMetric.set(metric, (byMetric.get(metric) ?? new Set()).add(text));
  }
  return [...byMetric].map(([metric, texts]) => ({ metric: inOnePiece(metric), selectors: [...texts] }));
}

/**
 * Of each group:
 * - `age`: seconds since the newest sample in sight;
 * - `recent`: samples within the staleness limit, as a stale marker empties an instant vector at once.
 */
export function freshnessUnits(slo: Slo, groups: readonly MetricGroup[]): readonly Unit[] {
  return groups.map(({ selectors }, index) => {
    const timestamps = anyOf(selectors.map((selector) => `timestamp(${selector})`));
    return checkUnit('freshness', [
      { tag: `age:${index}`, promql: `time() - max(${timestamps})` },
      { tag: `recent:${index}`, promql: samplesOf(selectors, slo.gating.stalenessLimit.text) },
    ]);
  });
}

/** Fineness of the search for the newest sample of a series that is gone. */
const searchSteps = 720;

/**
 * Asked of the groups that have no sample within the limit, to know how old their newest one is:
 * - `past`: seconds since the end of the last step of the longest rule window that has one;
 * - `last`: samples in a step before the instant, as the steps end before it.
 *
 * `timestamp()` in a subquery would be exact, and takes a hundred times as long (Prometheus 2.42, 300 series: 2.6 s).
 */
export function searchUnits(
  slo: Slo,
  groups: readonly MetricGroup[],
  evaluatedAtMs: number,
  readingOf: ReadingOf,
): readonly Unit[] {
  const { step, range } = searchOf(slo, evaluatedAtMs);
  return groups.flatMap(({ selectors }, index) => {
    const found = [`age:${index}`, `recent:${index}`].map((tag) => checkAnswer('freshness', readingOf(tag)));
    if (found.some((answer) => answer.kind === 'failed' || answer.value !== undefined)) return [];
    const samples = samplesOf(selectors, step);
    return [
      checkUnit('freshness', [
        { tag: `past:${index}`, promql: `time() - max_over_time((0 * (${samples}) + time())${range})` },
        { tag: `last:${index}`, promql: samples },
      ]),
    ];
  });
}

/** What the answers say of the age of each group. */
export function readFreshness(
  slo: Slo,
  groups: readonly MetricGroup[],
  evaluatedAtMs: number,
  readingOf: ReadingOf,
): Freshness {
  const limitMs = slo.gating.stalenessLimit.ms;
  const { stepMs } = searchOf(slo, evaluatedAtMs);
  const ages: SampleAge[] = [];
  for (const [index, { metric }] of groups.entries()) {
    const of = (name: string) => readingOf(`${name}:${index}`);
    const answers = checkAnswers('freshness', ['age', 'recent', 'past', 'last'], of);
    if (answers.kind === 'failed') return { state: 'failed', failure: answers.failure };
    ages.push({ metric, ageMs: ageOf(answers.of, limitMs, stepMs) });
  }
  return { state: 'ok', ages: ages.slice() }; // without room for more
}

type Answers = Readonly<Partial<Record<'age' | 'recent' | 'past' | 'last', number>>>;

/** Where no sample is in sight the age is not known exactly: it is the most that it can be. */
function ageOf({ age, recent, past, last }: Answers, limitMs: number, stepMs: number): number | null {
  if (age !== undefined) return Math.round(age * 1000);
  if (recent !== undefined) return limitMs;
  // Not within the limit, so older than that.
  if (last !== undefined) return Math.max(stepMs, limitMs + 1);
  return past === undefined ? null : Math.max(Math.round(past * 1000) + stepMs, limitMs + 1);
}

function samplesOf(selectors: readonly string[], range: string): string {
  return anyOf(selectors.map((selector) => `sum(count_over_time(${selector}[${range}]))`));
}

function searchOf(slo: Slo, evaluatedAtMs: number): Subquery {
  return alignedSubquery(longestRuleWindow(slo).lengthMs, searchSteps, evaluatedAtMs);
}

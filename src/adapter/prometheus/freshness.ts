import type { Freshness, SampleAge } from '../../eval/measurement.ts';
import type { Selector } from '../../promql/selector.ts';
import { longestRuleWindow, type Slo } from '../../slo/model.ts';
import { checksGroup, type Part, type Unit } from './part.ts';
import { checkAnswers, type ReadingOf } from './check-answer.ts';
import { alignedSubquery, anyOf } from './promql-text.ts';

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
  return [...byMetric].map(([metric, texts]) => ({ metric, selectors: [...texts] }));
}

/** Fineness of the search for the newest sample of a series that is gone. */
const searchSteps = 360;

/**
 * Questions after the age of a group's newest sample, from the usual case to the rare one:
 * - `age`: seconds since the newest sample in sight;
 * - `recent`: whether there is one within the staleness limit, as a stale marker empties an instant vector at once;
 * - `past`: seconds since the end of the last step of the longest rule window that has one;
 * - `brief`: whether there is one after that step, where the limit is shorter than a step.
 */
export function freshnessUnits(slo: Slo, groups: readonly MetricGroup[], evaluatedAtMs: number): readonly Unit[] {
  const window = longestRuleWindow(slo);
  const limit = slo.gating.stalenessLimit;
  const search = alignedSubquery(window.lengthMs, searchSteps, evaluatedAtMs);
  return groups.map(({ selectors }, index) => {
    const counted = (range: string) =>
      anyOf(selectors.map((selector) => `sum(count_over_time(${selector}[${range}]))`));
    const timestamps = anyOf(selectors.map((selector) => `timestamp(${selector})`));
    const part = (name: string, promql: string): Part => ({
      tag: `${name}:${index}`,
      role: 'freshness',
      promql,
      type: 'vector',
    });
    const parts = [
      part('age', `time() - max(${timestamps})`),
      part('recent', counted(limit.text)),
      part('past', `time() - max_over_time((0 * (${counted(search.step)}) + time())${search.range})`),
    ];
    if (limit.ms < search.stepMs) parts.push(part('brief', counted(search.step)));
    return { group: checksGroup, parts, asItStands: false };
  });
}

/** What the answers say of the age of each group. */
export function readFreshness(slo: Slo, groups: readonly MetricGroup[], readingOf: ReadingOf): Freshness {
  const ages: SampleAge[] = [];
  for (const [index, { metric }] of groups.entries()) {
    const answers = checkAnswers('freshness', ['age', 'recent', 'past', 'brief'], (name) =>
      readingOf(`${name}:${index}`),
    );
    if (answers.kind === 'failed') return { state: 'failed', failure: answers.failure };
    ages.push({ metric, ageMs: ageOf(slo.gating.stalenessLimit.ms, answers.of) });
  }
  return { state: 'ok', ages };
}

type Answers = Readonly<Partial<Record<'age' | 'recent' | 'past' | 'brief', number>>>;

function ageOf(limitMs: number, { age, recent, past, brief }: Answers): number | null {
  if (age !== undefined) return Math.round(age * 1000);
  // Where a stale marker hides the sample, all that is known is that it is within the limit, or that it is not.
  if (recent !== undefined) return Math.min(limitMs, Math.round((past ?? 0) * 1000));
  if (past !== undefined) return Math.max(limitMs + 1, Math.round(past * 1000));
  return brief === undefined ? null : limitMs + 1;
}

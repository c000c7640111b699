import type { Freshness, Reading, SampleAge } from '../../eval/measurement.ts';
import type { Selector } from '../../promql/selector.ts';
import { longestRuleWindow, type Slo } from '../../slo/model.ts';
import { checksGroup, type Part, type Unit } from './part.ts';
import { alignedSubquery, anyOf, first } from './promql-text.ts';

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
export function readFreshness(
  slo: Slo,
  groups: readonly MetricGroup[],
  readingOf: (tag: string) => Reading | undefined,
): Freshness {
  const limitMs = slo.gating.stalenessLimit.ms;
  const ages: SampleAge[] = [];
  for (const [index, { metric }] of groups.entries()) {
    const [age, recent, past, brief] = ['age', 'recent', 'past', 'brief'].map((name) => readingOf(`${name}:${index}`));
    const failed = [age, recent, past, brief].find((reading) => reading?.kind === 'failed');
    if (failed?.kind === 'failed') return { state: 'failed', failure: failed.failure };
    ages.push({ metric, ageMs: ageOf(limitMs, { age, recent, past, brief }) });
  }
  return { state: 'ok', ages };
}

type Answers = Readonly<Record<'age' | 'recent' | 'past' | 'brief', Reading | undefined>>;

function ageOf(limitMs: number, { age, recent, past, brief }: Answers): number | null {
  const seenSeconds = first(age);
  // A sample may carry a time ahead of the evaluation's instant only within the same second or so; that is no age.
  if (seenSeconds !== undefined) return Math.max(0, Math.round(seenSeconds * 1000));
  const pastSeconds = first(past);
  // Where a stale marker hides the sample, all that is known is that it is within the limit, or that it is not.
  if (first(recent) !== undefined) return Math.min(limitMs, (pastSeconds ?? 0) * 1000);
  if (pastSeconds !== undefined) return Math.max(limitMs + 1, pastSeconds * 1000);
  return first(brief) === undefined ? null : limitMs + 1;
}

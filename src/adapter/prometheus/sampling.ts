import type { Gauge } from '../../eval/measurement.ts';
import { longestRuleWindow, shortestRuleWindow, type Slo } from '../../slo/model.ts';
import { checksGroup, type Part, type Unit } from './part.ts';
import { checkAnswer, checkAnswers, type ReadingOf } from './check-answer.ts';
import { alignedSubquery, anyOf, type Subquery } from './promql-text.ts';

/** Samples of each of total's selectors in the shortest rule window. */
export function pointsUnits(slo: Slo, selectors: readonly string[]): readonly Unit[] {
  const window = shortestRuleWindow(slo).name;
  return selectors.map((selector, index) => ({
    group: checksGroup,
    asItStands: false,
    parts: [
      {
        tag: `points:${index}`,
        role: 'points',
        window,
        promql: `sum(count_over_time(${selector}[${window}]))`,
        type: 'vector',
      },
    ],
  }));
}

/** The largest over the selectors, 0 where none has a sample. */
export function readPoints(selectors: readonly string[], readingOf: ReadingOf): Gauge {
  let most = 0;
  for (const index of selectors.keys()) {
    const answer = checkAnswer('points', readingOf(`points:${index}`));
    if (answer.kind === 'failed') return { state: 'failed', failure: answer.failure };
    most = Math.max(most, answer.value ?? 0);
  }
  return { state: 'ok', value: most };
}

/** Coverage is the share of so many equal steps of the longest rule window that have a sample. */
export const coverageSteps = 60;

/**
 * - `covered`: how many steps have a sample of any of total's selectors;
 * - `begin`: epoch seconds of the first such step;
 * - `before`: samples in the window before, which tell a young series from one with a hole at the window's beginning.
 */
export function coverageUnits(slo: Slo, selectors: readonly string[], evaluatedAtMs: number): readonly Unit[] {
  if (selectors.length === 0) return [];
  const window = longestRuleWindow(slo);
  const steps = coverageSubquery(slo, evaluatedAtMs);
  const counted = (range: string) => anyOf(selectors.map((selector) => `sum(count_over_time(${selector}${range}))`));
  const part = (tag: string, promql: string): Part => ({
    tag,
    role: 'coverage',
    window: window.name,
    promql,
    type: 'vector',
  });
  return [
    {
      group: checksGroup,
      asItStands: false,
      parts: [
        part('covered', `count_over_time((${counted(`[${steps.step}]`)})${steps.range})`),
        part('begin', `min_over_time((0 * (${counted(`[${steps.step}]`)}) + time())${steps.range})`),
        part('before', counted(`[${window.name}] offset ${window.name}`)),
      ],
    },
  ];
}

/** Share of the steps with a sample, counted from the first one where the series is younger than the window. */
export function readCoverage(
  slo: Slo,
  evaluatedAtMs: number,
  readingOf: ReadingOf,
): { readonly coverage: Gauge; readonly notes: readonly string[] } {
  const answers = checkAnswers('coverage', ['covered', 'begin', 'before'], readingOf);
  if (answers.kind === 'failed') return { coverage: { state: 'failed', failure: answers.failure }, notes: [] };
  const { covered = 0, begin = 0, before } = answers.of;
  const steps = coverageSubquery(slo, evaluatedAtMs);
  const beginMs = begin * 1000;
  const isYoung = before === undefined && beginMs > steps.firstMs;
  const expected = isYoung ? Math.round((steps.lastMs - beginMs) / steps.stepMs) + 1 : coverageSteps;
  const value = Math.min(1, covered / expected);
  const window = longestRuleWindow(slo).name;
  const notes = isYoung
    ? [`total's series are younger than ${window}: coverage is counted from their first sample`]
    : [];
  return { coverage: { state: 'ok', value }, notes };
}

function coverageSubquery(slo: Slo, evaluatedAtMs: number): Subquery {
  return alignedSubquery(longestRuleWindow(slo).lengthMs, coverageSteps, evaluatedAtMs);
}

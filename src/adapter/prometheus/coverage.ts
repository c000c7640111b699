import type { KeptCoverage } from '../../eval/kept.ts';
import type { Gauge } from '../../eval/measurement.ts';
import { longestRuleWindow, type Slo } from '../../slo/model.ts';
import { checkAnswer, checkAnswers, type ReadingOf } from './check-answer.ts';
import { checkUnit, type Unit } from './part.ts';
import { alignedSubquery, anyOf, type Subquery } from './promql-text.ts';

/** Coverage is the share of so many equal steps of the longest rule window that have a sample. */
const coverageSteps = 60;

/** `covered`: how many steps have a sample of any of total's selectors. */
export function coverageUnits(slo: Slo, selectors: readonly string[], evaluatedAtMs: number): readonly Unit[] {
  if (selectors.length === 0) return [];
  const steps = subqueryOf(slo, evaluatedAtMs);
  const promql = `count_over_time((${samplesOf(selectors, `[${steps.step}]`)})${steps.range})`;
  return [checkUnit('coverage', [{ tag: 'covered', window: longestRuleWindow(slo).name, promql }])];
}

/**
 * Asked where steps are missing, to tell a young series from a hole:
 * - `begin`: epoch seconds of the first step that has a sample;
 * - `before`: samples in the window before, so that a hole at the window's beginning is no youth.
 */
export function youthUnits(
  slo: Slo,
  selectors: readonly string[],
  evaluatedAtMs: number,
  readingOf: ReadingOf,
): readonly Unit[] {
  const covered = checkAnswer('coverage', readingOf('covered'));
  if (covered.kind === 'failed' || covered.value === undefined || covered.value >= coverageSteps) return [];
  const window = longestRuleWindow(slo).name;
  const steps = subqueryOf(slo, evaluatedAtMs);
  const begin = `min_over_time((0 * (${samplesOf(selectors, `[${steps.step}]`)}) + time())${steps.range})`;
  const before = samplesOf(selectors, `[${window}] offset ${window}`);
  return [
    checkUnit('coverage', [
      { tag: 'begin', window, promql: begin },
      { tag: 'before', window, promql: before },
    ]),
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
  const steps = subqueryOf(slo, evaluatedAtMs);
  const beginMs = begin * 1000;
  const isYoung = before === undefined && beginMs > steps.firstMs;
  if (!isYoung) return { coverage: { state: 'ok', value: Math.min(1, covered / coverageSteps) }, notes: [] };
  const expected = Math.round((steps.lastMs - beginMs) / steps.stepMs) + 1;
  const value = Math.min(1, covered / expected);
  return { coverage: { state: 'ok', value, ofYoung: true }, notes: [youngNote(slo)] };
}

/** The same of what an earlier evaluation has read. */
export function coverageAsKept(slo: Slo, kept: KeptCoverage): ReturnType<typeof readCoverage> {
  const { value, ofYoung, readAtMs } = kept;
  const coverage: Gauge = { state: 'ok', value, readAtMs, ...(ofYoung && { ofYoung }) };
  return { coverage, notes: ofYoung ? [youngNote(slo)] : [] };
}

function youngNote(slo: Slo): string {
  return `total's series are younger than ${longestRuleWindow(slo).name}: coverage is counted from their first sample`;
}

function samplesOf(selectors: readonly string[], range: string): string {
  return anyOf(selectors.map((selector) => `sum(count_over_time(${selector}${range}))`));
}

function subqueryOf(slo: Slo, evaluatedAtMs: number): Subquery {
  return alignedSubquery(longestRuleWindow(slo).lengthMs, coverageSteps, evaluatedAtMs);
}

import type { Gauge } from '../../eval/measurement.ts';
import { shortestRuleWindow, type Slo } from '../../slo/model.ts';
import { checkAnswer, type ReadingOf } from './check-answer.ts';
import { checkUnit, type Unit } from './part.ts';

/** Samples of each of total's selectors in the shortest rule window. */
export function pointsUnits(slo: Slo, selectors: readonly string[]): readonly Unit[] {
  const window = shortestRuleWindow(slo).name;
  return selectors.map((selector, index) =>
    checkUnit('points', [{ tag: `points:${index}`, window, promql: `sum(count_over_time(${selector}[${window}]))` }]),
  );
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

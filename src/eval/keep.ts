import { spreadOf } from '../slo/hash.ts';
import { longestRuleWindow, type Slo, type Window } from '../slo/model.ts';
import { couldTrigger, isKeepable, keptForMs, shortestBurn, stillKept } from './kept-windows.ts';
import type { KeptCoverage, KeptWindow, KeptWindows } from './kept.ts';
import type { Measurement, WindowMeasurement } from './measurement.ts';

/** What the next evaluation may lean on, after a measurement; `before` is what was kept when it began. */
export function keep(slo: Slo, before: KeptWindows | null, measurement: Measurement): KeptWindows | null {
  // As if it had not been: the next one that reads something looks at all the time that has passed.
  if (measurement.windows.every(({ state }) => state === 'failed')) return before;
  // What the source itself doubts, or has only old samples of, would hide, once kept, that it still does.
  const burnRate = shortestBurn(slo, measurement);
  if (burnRate === null) return null;
  const windows = [
    ...(before === null ? [] : stillKept(slo, before, measurement)),
    ...measurement.windows.flatMap((window) => keptNow(slo, before, measurement, window)),
  ];
  const coverage = coverageOf(slo, before, measurement);
  if (windows.length === 0 && coverage === null) return null;
  return {
    asOfMs: measurement.evaluatedAtMs,
    burnRate,
    // Whether a rule triggers hangs on it: then it is read at each evaluation, with the others.
    windows: windows.filter(({ name }) => !couldTrigger(slo, name, measurement.windows)).slice(), // without room for more
    coverage,
  };
}

/** Good above total by half of what would be a WARN is looked at each time. */
const mostExcess = 0.005;

function keptNow(
  slo: Slo,
  before: KeptWindows | null,
  { evaluatedAtMs }: Measurement,
  measured: WindowMeasurement,
): readonly KeptWindow[] {
  const { window, state, readAtMs } = measured;
  if (state !== 'ok' || readAtMs !== evaluatedAtMs || !isKeepable(slo, window)) return [];
  const { good, total, goodMissing } = measured;
  if (goodMissing || good - total > total * mostExcess) return [];
  const isFirst = before?.windows.every(({ name }) => name !== window.name) ?? true;
  return [
    { name: window.name, good, total, readAtMs, untilMs: untilMs(slo, window, evaluatedAtMs, isFirst), moved: 0 },
  ];
}

/**
 * The first time, what was read is kept for a part of the time only, by the SLO's id: a start reads the long windows of
 * all SLOs at once, and they would all be read again in the same minute for ever.
 */
function untilMs(slo: Slo, window: Window, readAtMs: number, isFirst: boolean): number {
  return readAtMs + keptForMs(window) * (isFirst ? spreadOf(slo.id) : 1);
}

function coverageOf(
  slo: Slo,
  before: KeptWindows | null,
  { evaluatedAtMs, coverage }: Measurement,
): KeptCoverage | null {
  if (coverage.state !== 'ok') return null;
  if (coverage.readAtMs !== undefined) return before?.coverage ?? null;
  const window = longestRuleWindow(slo);
  // A WARN of gaps ends when they do, not later.
  if (!isKeepable(slo, window) || coverage.value < (slo.gating.minCoverage ?? 0)) return null;
  return {
    value: coverage.value,
    ofYoung: coverage.ofYoung ?? false,
    readAtMs: evaluatedAtMs,
    untilMs: untilMs(slo, window, evaluatedAtMs, (before?.coverage ?? null) === null),
  };
}

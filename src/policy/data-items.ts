import { exceedsPlausibly } from '../eval/arithmetic.ts';
import type { Failure, Measurement, WindowMeasurement } from '../eval/measurement.ts';
import { longestRuleWindow, type Slo } from '../slo/model.ts';
import type { GateItem } from './gate-result.ts';
import { andMore, roughDuration, roughNumber, wholePercent } from './wording.ts';

/** Findings about the data itself: what keeps a measurement from being ok, fresh and sufficient. */
export function dataItems(slo: Slo, measurement: Measurement): { items: readonly GateItem[]; isStale: boolean } {
  const isStale = hasStaleSource(slo, measurement);
  return {
    isStale,
    items: [
      ...failedItem(slo, measurement),
      ...(isStale ? [warn('stale', 'data is stale')] : []),
      ...noDataItem(slo, measurement, isStale),
      ...missingGoodItem(measurement),
      ...fewPointsItem(slo, measurement),
      ...impossibleItem(measurement),
      ...gapsItem(slo, measurement),
      ...partialItems(measurement),
      ...clockItem(slo, measurement),
    ],
  };
}

function warn(code: GateItem['code'], reason: string): GateItem {
  return { code, decision: 'WARN', reason };
}

function failedItem(slo: Slo, measurement: Measurement): readonly GateItem[] {
  const failed = failuresOf(slo, measurement);
  const [first] = failed;
  if (first === undefined) return [];
  const more = andMore(failed.length - 1, 'failed query', 'failed queries');
  return [warn('query_failed', `query failed: ${describeFailure(first)}${more}`)];
}

/** A failed query, with the window it was for where it was for one. */
export interface FailedQuery {
  readonly window?: string;
  readonly failure: Failure;
}

/** What failed and counts, in the order of windows, good before total. A coverage that nobody enforces does not count. */
export function failuresOf(slo: Slo, measurement: Measurement): readonly FailedQuery[] {
  const found: FailedQuery[] = measurement.windows.flatMap((window) =>
    window.state === 'failed' ? [{ window: window.window.name, failure: window.failure }] : [],
  );
  if (measurement.freshness.state === 'failed') found.push({ failure: measurement.freshness.failure });
  if (measurement.points.state === 'failed') found.push({ failure: measurement.points.failure });
  if (measurement.coverage.state === 'failed' && slo.gating.minCoverage !== undefined) {
    found.push({ failure: measurement.coverage.failure });
  }
  return found;
}

function describeFailure({ window, failure }: FailedQuery): string {
  return `${failure.role}${window === undefined ? '' : ` (window=${window})`}: ${failure.reason}: ${failure.detail}`;
}

function hasStaleSource(slo: Slo, { freshness }: Measurement): boolean {
  return (
    freshness.state === 'ok' &&
    freshness.ages.some(({ ageMs }) => ageMs !== null && ageMs > slo.gating.stalenessLimit.ms)
  );
}

function noDataItem(slo: Slo, measurement: Measurement, isStale: boolean): readonly GateItem[] {
  const empty = measurement.windows.filter((window) => window.state === 'noData');
  if (empty.length === 0) return [];
  const { noTraffic } = slo.gating;
  const isZero = empty.every(({ cause }) => cause === 'total is 0');
  // The owner's word counts only for silence that was seen: a total of 0 over series that are alive.
  const isSeenSilence = isZero && !isStale && measurement.freshness.state === 'ok';
  if (isSeenSilence && noTraffic === 'BLOCK') {
    return [{ code: 'no_traffic', decision: 'BLOCK', reason: 'zero traffic, blocked by gating.noTraffic' }];
  }
  // A total that nobody counted is no silence: the metric may be misspelled, its exporter gone.
  if (!isZero || hasNoSample(measurement)) return [warn('missing_total', withoutData)];
  if (isSeenSilence && noTraffic === 'ALLOW') {
    return [{ code: 'no_traffic', decision: 'ALLOW', reason: 'zero traffic, accepted by gating.noTraffic' }];
  }
  return [warn('no_traffic', withoutData)];
}

/** One text for both codes, as operators grep for it; the cause stands in the notes. */
const withoutData = 'insufficient data (zero traffic)';

/** `or vector(0)` makes a 0 of a total that selects no series; so its samples have to be looked at, too. */
function hasNoSample({ points }: Measurement): boolean {
  return points.state === 'ok' && points.value === 0;
}

function missingGoodItem(measurement: Measurement): readonly GateItem[] {
  const isMissing = measurement.windows.some((window) => window.state === 'ok' && window.goodMissing);
  return isMissing ? [warn('missing_good', 'insufficient data (good query returned no series)')] : [];
}

function fewPointsItem(slo: Slo, { points }: Measurement): readonly GateItem[] {
  const required = slo.gating.minDataPoints;
  if (points.state !== 'ok' || points.value >= required) return [];
  return [warn('few_points', `insufficient data (${points.value} data points, ${required} required)`)];
}

function impossibleItem(measurement: Measurement): readonly GateItem[] {
  const windows = measurement.windows.filter(isImpossible);
  const [first] = windows;
  if (first === undefined) return [];
  const numbers = `${roughNumber(first.good)} > ${roughNumber(first.total)}`;
  const more = andMore(windows.length - 1, 'window', 'windows');
  return [warn('impossible_data', `impossible data: good exceeds total in ${first.window.name} (${numbers})${more}`)];
}

function isImpossible(window: WindowMeasurement): window is WindowMeasurement & { state: 'ok' } {
  return window.state === 'ok' && exceedsPlausibly(window.good, window.total);
}

function gapsItem(slo: Slo, { coverage }: Measurement): readonly GateItem[] {
  const required = slo.gating.minCoverage;
  if (required === undefined || coverage.state === 'failed') return [];
  const window = longestRuleWindow(slo).name;
  if (coverage.state === 'notMeasured') {
    return [warn('gaps', `data has gaps (coverage of ${window} unknown, ${wholePercent(required)} required)`)];
  }
  if (coverage.value >= required) return [];
  const covered = wholePercent(coverage.value);
  return [warn('gaps', `data has gaps (${window} covered ${covered}, ${wholePercent(required)} required)`)];
}

const queryWarning = 'PromQL warning:';

function partialItems({ warnings }: Measurement): readonly GateItem[] {
  const aboutQuery = warnings.filter((text) => text.startsWith(queryWarning));
  const aboutAnswer = warnings.filter((text) => !text.startsWith(queryWarning));
  const item = (label: string, texts: readonly string[]) => {
    const [first] = texts;
    if (first === undefined) return [];
    return [warn('partial', `${label}: ${first}${andMore(texts.length - 1, 'warning', 'warnings')}`)];
  };
  return [
    ...item('partial data', aboutAnswer),
    ...item(
      'query warning',
      aboutQuery.map((text) => text.slice(queryWarning.length).trim()),
    ),
  ];
}

const greatestSkewMs = 30_000;

function clockItem(slo: Slo, { clockSkewMs }: Measurement): readonly GateItem[] {
  if (clockSkewMs === null) return [];
  const skewMs = Math.abs(clockSkewMs);
  if (skewMs <= Math.min(greatestSkewMs, slo.gating.stalenessLimit.ms)) return [];
  return [warn('clock_skew', `clock skew of ${roughDuration(skewMs)} against the metrics source`)];
}

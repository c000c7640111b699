import type { KeptCoverage } from '../../eval/kept.ts';
import type { Freshness, Gauge, SentQuery } from '../../eval/measurement.ts';
import { analyze } from '../../promql/analyze.ts';
import type { Selector } from '../../promql/selector.ts';
import { longestRuleWindow, shortestRuleWindow, windowsOf, type Slo, type Window } from '../../slo/model.ts';
import type { ReadingOf } from './check-answer.ts';
import { coverageAsKept, coverageUnits, readCoverage, youthUnits } from './coverage.ts';
import { freshnessUnits, metricGroups, readFreshness, searchUnits, type MetricGroup } from './freshness.ts';
import type { Unit } from './part.ts';
import { pointsUnits, readPoints } from './points.ts';
import { queriesOf, windowUnit, type Kinds, type WindowQueries } from './sli-queries.ts';

/** What one evaluation asks of the source, and how the answers of the checks are to be read. */
export interface QueryPlan {
  readonly units: readonly Unit[];
  /** What the answers call for; nothing where series are fresh and without gaps. It may be among the units already. */
  followUps(readingOf: ReadingOf): readonly Unit[];
  readChecks(readingOf: ReadingOf): Checks;
}

export interface Checks {
  readonly freshness: Freshness;
  readonly points: Gauge;
  readonly coverage: Gauge;
  readonly notes: readonly string[];
}

/** What to ask for an SLO: good and total of the windows, and of all its series freshness, data points and coverage. */
export function planQueries(
  slo: Slo,
  windows: readonly Window[],
  evaluatedAtMs: number,
  keptCoverage: KeptCoverage | null = null,
): QueryPlan {
  const { series, groups } = preparedOf(slo);
  return {
    units: [
      ...windowUnits(slo, windows),
      ...freshnessUnits(slo, groups),
      ...pointsUnits(slo, series.points),
      ...(keptCoverage === null ? coverageUnits(slo, series.coverage, evaluatedAtMs) : []),
    ],
    followUps: (readingOf) => [
      ...searchUnits(slo, groups, evaluatedAtMs, readingOf),
      ...youthUnits(slo, series.coverage, evaluatedAtMs, readingOf),
    ],
    readChecks: (readingOf) => ({
      freshness: series.unknown ?? readFreshness(slo, groups, evaluatedAtMs, readingOf),
      points: readPoints(series.points, readingOf),
      ...(keptCoverage === null ? readCoverage(slo, evaluatedAtMs, readingOf) : coverageAsKept(slo, keptCoverage)),
    }),
  };
}

/** Good and total of windows. */
export function windowUnits(slo: Slo, windows: readonly Window[]): readonly Unit[] {
  const { kinds } = preparedOf(slo);
  const names = windowsOf(slo).map(({ name }) => name);
  const kindsOf = (window: Window) => {
    const known = kinds[names.indexOf(window.name)];
    return known === undefined ? queriesOf(slo, [window]).map((queries) => queries.kinds) : [known];
  };
  return windows.flatMap((window) => kindsOf(window).map((known) => windowUnit(slo, window, known)));
}

/** The queries of an SLO at an instant as they are shown as evidence, without what makes a union of them. */
export function queriesAt(slo: Slo, evaluatedAtMs: number): readonly SentQuery[] {
  return planQueries(slo, windowsOf(slo), evaluatedAtMs).units.flatMap(({ parts }) =>
    parts.map(({ role, window, promql }) => ({ role, promql, ...(window !== undefined && { window }) })),
  );
}

/** What is the same at each evaluation of an SLO. Of ten thousand, so no more than is asked for again. */
interface Prepared {
  /** In the order of its windows. Not the queries: those of twelve are longer than all else that is known of an SLO. */
  readonly kinds: readonly Kinds[];
  readonly series: Omit<JudgedSeries, 'freshness'>;
  readonly groups: readonly MetricGroup[];
}

// Reading the queries of one SLO takes a millisecond, at each evaluation; a changed SLO is another object.
const prepared = new WeakMap<Slo, Prepared>();

function preparedOf(slo: Slo): Prepared {
  const known = prepared.get(slo);
  if (known !== undefined) return known;
  const queries = queriesOf(slo, windowsOf(slo));
  const { freshness, ...series } = judgedSeries(slo, queries);
  const kinds = queries.map((read) => read.kinds);
  const fresh = { kinds, series, groups: metricGroups(freshness) };
  prepared.set(slo, fresh);
  return fresh;
}

interface JudgedSeries {
  readonly freshness: readonly Selector[];
  readonly points: readonly string[];
  readonly coverage: readonly string[];
  /** Where it is not known which series the queries read. */
  readonly unknown?: Freshness;
}

/** Recorded series have a name for each window, so each window's selectors count. */
function judgedSeries(slo: Slo, all: readonly WindowQueries[]): JudgedSeries {
  const named = slo.gating.freshnessSelector === undefined ? undefined : analyze(slo.gating.freshnessSelector);
  const own = named?.ok ? named.selectors : undefined;
  const totalIn = (window: Window) => {
    const selectors = all.find((queries) => queries.window.name === window.name)?.totalSelectors ?? own ?? [];
    return [...new Set(selectors.map(({ text }) => text))];
  };
  const points = totalIn(shortestRuleWindow(slo));
  const coverage = totalIn(longestRuleWindow(slo));
  if (own !== undefined) return { freshness: own, points, coverage };
  const fault = named?.ok === false ? named.message : all.find((queries) => queries.fault !== undefined)?.fault;
  const read = all.flatMap(({ goodSelectors, totalSelectors }) => [
    ...(goodSelectors ?? []),
    ...(totalSelectors ?? []),
  ]);
  if (fault === undefined) return { freshness: read, points, coverage };
  const detail = `the series to judge by are not known: ${fault}`;
  const failure = { role: 'freshness', reason: 'bad-query', detail, attempts: 0 } as const;
  return { freshness: [], points, coverage, unknown: { state: 'failed', failure } };
}

import type { QueryStatistics } from '../adapter/prometheus/live/statistics.ts';
import { visible } from '../telemetry/visible.ts';
import type { LiveFacts } from './live-check-slo.ts';

/** What a check against a live server found out beside problems. Stable keys: it is part of the JSON answer. */
export interface LiveReport {
  /** Without user, password and query. */
  readonly url: string;
  /** RFC 3339 UTC: the instant that all queries were asked for. */
  readonly at: string;
  readonly requests: number;
  readonly seconds: number;
  readonly slos: readonly SloCost[];
}

interface SloCost {
  readonly id: string;
  /** Of the selector that is scraped most often; null where it is not known. */
  readonly scrapeIntervalSeconds: number | null;
  readonly seconds: number;
  /** null where the server does not tell. */
  readonly samples: number | null;
  readonly queries: readonly QueryCost[];
}

type QueryCost = QueryStatistics & { readonly role: string; readonly window: string; readonly series: number };

interface Check {
  readonly url: string;
  readonly atMs: number;
  readonly requests: number;
  readonly tookMs: number;
}

export function liveReport(all: readonly LiveFacts[], { url, atMs, requests, tookMs }: Check): LiveReport {
  const slos = all.map(costOf).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return { url, at: new Date(atMs).toISOString(), requests, seconds: rounded(tookMs / 1000), slos };
}

function costOf({ slo, queries, scrapes }: LiveFacts): SloCost {
  const costs = queries.flatMap(({ query, answer }): readonly QueryCost[] => {
    if (answer?.kind !== 'answer') return [];
    const series = answer.values.query?.length ?? 0;
    return [{ role: query.role, window: query.window.name, series, ...answer.statistics }];
  });
  const counts = costs.map(({ samples }) => samples);
  const intervals = [...scrapes.values()].map(({ intervalMs }) => intervalMs);
  return {
    id: slo.id,
    scrapeIntervalSeconds: intervals.length === 0 ? null : rounded(Math.min(...intervals) / 1000),
    seconds: rounded(totalSeconds(queries)),
    samples: counts.every((count) => count !== null) ? counts.reduce((sum, count) => sum + count, 0) : null,
    queries: costs,
  };
}

/** For people: a line an SLO, and what the check took. */
export function liveText({ url, at, requests, slos, ...check }: LiveReport): string {
  const answered = slos.filter((slo) => slo.queries.length > 0);
  const lines = answered.map((slo) => {
    const dearest = slo.queries.toSorted((a, b) => b.seconds - a.seconds)[0];
    const most = dearest === undefined ? '' : `, most by ${dearest.role} of ${dearest.window} (${costText(dearest)})`;
    const interval =
      slo.scrapeIntervalSeconds === null ? '' : `; scraped about every ${seconds(slo.scrapeIntervalSeconds * 1000)}`;
    return `${slo.id}: ${slo.queries.length} queries answered in ${costText(slo)}${most}${interval}`;
  });
  const asked = `asked ${url} for ${at}: ${requests} requests in ${check.seconds}s`;
  return [...lines, asked].map(visible).join('\n');
}

function costText({ seconds: took, samples }: { readonly seconds: number; readonly samples: number | null }): string {
  return `${rounded(took)}s, ${samples === null ? 'samples not told' : `${samples} samples`}`;
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

/** What the queries of one evaluation take their server. */
export function totalSeconds(queries: LiveFacts['queries']): number {
  return queries.reduce((sum, { answer }) => sum + (answer?.kind === 'answer' ? answer.statistics.seconds : 0), 0);
}

/** A duration for people, in seconds or minutes: `2.5s`, `15s`, `4m`. */
export function seconds(ms: number): string {
  return ms < 120_000 ? `${Number((ms / 1000).toPrecision(2))}s` : `${Number((ms / 60_000).toPrecision(3))}m`;
}

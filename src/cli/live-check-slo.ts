import type { LiveAnswer } from '../adapter/prometheus/live/source.ts';
import { longestRuleWindow, shortestRuleWindow, type Slo } from '../slo/model.ts';
import { analyze } from '../promql/analyze.ts';
import type { Asker } from './live-check-asker.ts';
import { liveQueries, type LiveQuery } from './live-check-queries.ts';

/** What a server says of an SLO. */
export interface LiveFacts {
  readonly slo: Slo;
  readonly queries: readonly AnsweredQuery[];
  /** By selector. */
  readonly series: ReadonlyMap<string, Presence>;
  /** By selector; absent where nothing is known. */
  readonly scrapes: ReadonlyMap<string, Scrapes>;
}

export interface AnsweredQuery {
  readonly query: LiveQuery;
  /** undefined: not asked. */
  readonly answer: LiveAnswer | undefined;
}

/** Whether a selector has series: now, in the longest rule window, never in it, or not known. */
export type Presence = 'now' | 'past' | 'none' | 'unknown';

export interface Scrapes {
  /** Estimated from the series with the most samples. */
  readonly intervalMs: number;
  /** In the shortest rule window. */
  readonly series: number;
  readonly mostSamples: number;
}

/** Asks all that can be asked of an SLO, one request after the other. */
export async function askAboutSlo(slo: Slo, asker: Asker): Promise<LiveFacts> {
  const queries: AnsweredQuery[] = [];
  for (const query of liveQueries(slo)) queries.push({ query, answer: await asker.query(query.promql) });
  const series = new Map<string, Presence>();
  for (const selector of selectorsOf(slo, queries)) series.set(selector, await presenceOf(selector, slo, asker));
  const scrapes = new Map<string, Scrapes>();
  for (const selector of sampledSelectors(slo, queries)) {
    if (series.get(selector) !== 'now') continue;
    const found = await scrapesOf(selector, slo, asker);
    if (found !== undefined) scrapes.set(selector, found);
  }
  return { slo, queries, series, scrapes };
}

function selectorsOf(slo: Slo, queries: readonly AnsweredQuery[]): ReadonlySet<string> {
  const read = queries.flatMap(({ query }) => query.selectors.map(({ text }) => text));
  return new Set([...read, ...freshnessSelectors(slo)]);
}

/** `gating.freshnessSelector` in the form that selectors are told apart by. */
export function freshnessSelectors({ gating }: Slo): readonly string[] {
  const analysis = gating.freshnessSelector === undefined ? undefined : analyze(gating.freshnessSelector);
  return analysis?.ok ? analysis.selectors.map(({ text }) => text) : [];
}

/** Total's selectors in the shortest rule window, whose samples are counted, and those that a rate is taken of. */
function sampledSelectors(slo: Slo, queries: readonly AnsweredQuery[]): ReadonlySet<string> {
  const rated = queries.flatMap(({ query }) => query.rates.map(({ selector }) => selector));
  return new Set([...countedSelectors(slo, queries), ...rated]);
}

export function countedSelectors(slo: Slo, queries: readonly AnsweredQuery[]): readonly string[] {
  const shortest = shortestRuleWindow(slo).name;
  const total = queries.filter(({ query }) => query.role === 'total' && query.window.name === shortest);
  return total.flatMap(({ query }) => query.selectors.map(({ text }) => text));
}

async function presenceOf(selector: string, slo: Slo, asker: Asker): Promise<Presence> {
  const now = await asker.all({ now: `count(${selector})` });
  if (now?.kind !== 'answer') return 'unknown';
  if (now.values.now?.length !== 0) return 'now';
  const past = await asker.all({ past: `count(count_over_time(${selector}[${longestRuleWindow(slo).name}]))` });
  if (past?.kind !== 'answer') return 'unknown';
  return past.values.past?.length === 0 ? 'none' : 'past';
}

const longestEstimateMs = 3_600_000;

/**
 * In a range with n samples their interval is between range / (n + 1) and range / (n − 1). An hour tells it more exactly
 * than a short window, but a series younger than the hour seems to be scraped more rarely than it is.
 */
async function scrapesOf(selector: string, slo: Slo, asker: Asker): Promise<Scrapes | undefined> {
  const shortest = shortestRuleWindow(slo);
  const longest = longestRuleWindow(slo);
  const samplesIn = (range: string) => `count_over_time(${selector}[${range}])`;
  const longMs = Math.max(shortest.lengthMs, Math.min(longest.lengthMs, longestEstimateMs));
  const answer = await asker.all({
    series: `count(${samplesIn(shortest.name)})`,
    most: `max(${samplesIn(shortest.name)})`,
    mostInLong: `max(${samplesIn(`${longMs}ms`)})`,
  });
  if (answer?.kind !== 'answer') return undefined;
  const valueOf = (name: string) => answer.values[name]?.[0] ?? 0;
  const [series, mostSamples, mostInLong] = [valueOf('series'), valueOf('most'), valueOf('mostInLong')];
  if (mostInLong === 0) return undefined;
  const inLongMs = longMs / mostInLong;
  const isYoung = mostSamples > 1 && inLongMs > shortest.lengthMs / (mostSamples - 1);
  return { intervalMs: isYoung ? shortest.lengthMs / mostSamples : inLongMs, series, mostSamples };
}

import type { SliType } from '../slo/model.ts';
import type { Draft, Indicator, Matcher } from './slo-draft.ts';

/** The SLI of a draft, and words about it for the comments of its file. */
export interface DraftSli {
  readonly type: SliType;
  readonly thresholdMs?: number;
  readonly good: string;
  readonly total: string;
  readonly freshnessSelector?: string;
  /** What is counted: `requests`. */
  readonly events: string;
  /** What a good one is: `do not fail`; and a bad one: `failing`. */
  readonly isGood: string;
  readonly isBad: string;
  /** Why the queries are as they are. */
  readonly why: string;
  /** Whether there may be nothing to count though all is well. */
  readonly hasTraffic: boolean;
}

export function sliOf({ indicator, selector }: Draft): DraftSli {
  switch (indicator.kind) {
    case 'availability':
      return availability(indicator, selector);
    case 'latency':
      return latency(indicator, selector);
    case 'errors':
      return errorCounter(indicator, selector);
    case 'gauge':
      return gauge(indicator, selector);
  }
}

type Of<K extends Indicator['kind']> = Extract<Indicator, { kind: K }>;

function availability({ metric, errors }: Of<'availability'>, selector: string): DraftSli {
  const good = `${metric}${braces(selector, opposite(errors))}`;
  return {
    type: 'availability',
    good: sumOfRate(good),
    total: sumOfRate(metric + braces(selector)),
    events: 'requests',
    isGood: 'do not fail',
    isBad: 'failing',
    why: 'Good is what is no error, rather than all minus the errors: a service that never failed has no series of errors, and a difference to it would be empty.',
    hasTraffic: true,
  };
}

function latency({ metric, thresholdMs }: Of<'latency'>, selector: string): DraftSli {
  const seconds = String(thresholdMs / 1000);
  // Prometheus 3, and Python clients, write whole numbers with their .0.
  const isWhole = Number.isInteger(thresholdMs / 1000);
  const bucket = isWhole ? `le=~"${seconds}([.]0)?"` : `le="${seconds}"`;
  return {
    type: 'latency',
    thresholdMs,
    good: sumOfRate(`${metric}_bucket${braces(selector, bucket)}`),
    total: sumOfRate(`${metric}_count${braces(selector)}`),
    events: 'requests',
    isGood: `take at most ${seconds}s`,
    isBad: `slower than ${seconds}s`,
    why: `The histogram needs a bucket that ends at ${seconds}; without one good has no series, which is a WARN.`,
    hasTraffic: true,
  };
}

function errorCounter({ metric, errorMetric }: Of<'errors'>, selector: string): DraftSli {
  const all = metric + braces(selector);
  const lines = [
    'clamp_min(',
    `  ${sumOfRate(all)}`,
    `  - (${sumOfRate(errorMetric + braces(selector))}`,
    `    or 0 * ${sumOfRate(all)}),`,
    '  0)',
  ];
  return {
    type: 'ratio',
    good: lines.join('\n'),
    total: sumOfRate(all),
    freshnessSelector: all,
    events: 'events',
    isGood: 'do not fail',
    isBad: 'failing',
    why: 'While nothing has failed there may be no series of errors: `or 0 *` puts 0 in its place, as a difference to nothing is empty. Where everything fails, rounding may take the difference below 0, which would be a failed query: clamp_min keeps it at 0.',
    hasTraffic: true,
  };
}

function gauge({ metric, below }: Of<'gauge'>, selector: string): DraftSli {
  const highest = `max(${metric}${braces(selector)})`;
  return {
    type: 'ratio',
    good: `sum_over_time((${highest} < bool ${below})[{{window}}:1m])`,
    total: `count_over_time(${highest}[{{window}}:1m])`,
    events: 'minutes',
    isGood: `have ${metric} below ${below}`,
    isBad: `at ${below} or above`,
    why: 'A gauge has no events to count, so the events are minutes, which a subquery looks at one by one. `max` takes the highest series; `bool` makes 1 or 0 of the comparison in place of dropping the minute.',
    hasTraffic: false,
  };
}

function sumOfRate(series: string): string {
  return `sum(rate(${series}[{{window}}]))`;
}

function braces(...matchers: readonly string[]): string {
  const given = matchers.filter((one) => one !== '');
  return given.length === 0 ? '' : `{${given.join(',')}}`;
}

const opposites = { '=': '!=', '!=': '=', '=~': '!~', '!~': '=~' } as const;

function opposite({ label, operator, literal }: Matcher): string {
  return `${label}${opposites[operator]}${literal}`;
}

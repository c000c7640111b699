/** One time series of the tests' Prometheus, as a function of the time since its start: negative is history. */
export interface TestSeries {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Value at an offset in seconds; null: the series has no sample then. */
  readonly at: (offsetSeconds: number) => number | null;
  /** Offset in seconds that the exporter claims for its sample; absent: the time of the scrape. */
  readonly claimedOffset?: (offsetSeconds: number) => number;
}

/** From an offset on, so many events a second. */
type RateStep = readonly [fromSeconds: number, perSecond: number];
type RatioStep = readonly [fromSeconds: number, errorRatio: number];

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
/** History reaches back a day further than the longest compliance window. */
export const historySeconds = 31 * day;

interface Life {
  readonly bornAt?: number;
  readonly diedAt?: number;
  /** No samples between these two offsets. */
  readonly hole?: readonly [number, number];
  /** The process restarts each so many seconds and its counters begin at 0. */
  readonly restartEvery?: number;
}

export function gauge(name: string, labels: Record<string, string>, value: number, life: Life = {}): TestSeries {
  return { name, labels, at: (offset) => (alive(offset, life) ? value : null) };
}

export function counter(
  name: string,
  labels: Record<string, string>,
  steps: readonly RateStep[],
  life: Life = {},
): TestSeries {
  const startOf = (offset: number) => {
    if (life.restartEvery === undefined) return life.bornAt ?? -historySeconds;
    return Math.floor(offset / life.restartEvery) * life.restartEvery;
  };
  return {
    name,
    labels,
    at: (offset) => (alive(offset, life) ? round(counted(steps, startOf(offset), offset)) : null),
  };
}

function alive(offset: number, { bornAt = -historySeconds, diedAt = Infinity, hole = [0, 0] }: Life): boolean {
  return offset >= bornAt && offset <= diedAt && !(offset > hole[0] && offset < hole[1]);
}

function counted(steps: readonly RateStep[], from: number, to: number): number {
  return steps.reduce((sum, [begin, perSecond], index) => {
    const end = steps[index + 1]?.[0] ?? Infinity;
    return sum + Math.max(0, Math.min(end, to) - Math.max(begin, from)) * perSecond;
  }, 0);
}

function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

/** `http_requests_total` of a service with several pods that restart now and then, 100 requests a second in each. */
function requests(scenario: string, ratios: readonly RatioStep[], life: Life = {}, pods = 3): TestSeries[] {
  return Array.from({ length: pods }, (_, pod) => {
    const labels = { scenario, job: 'api', instance: `10.0.0.${pod}:8080`, pod: `api-${pod}` };
    const rates = (share: (ratio: number) => number) =>
      ratios.map(([from, ratio]): RateStep => [from, 100 * share(ratio)]);
    // Restarts fall on different instants in each pod.
    const podLife = { restartEvery: (30 + 7 * pod) * hour, ...life };
    return [
      counter(
        'http_requests_total',
        { ...labels, status: '200' },
        rates((ratio) => 1 - ratio),
        podLife,
      ),
      counter(
        'http_requests_total',
        { ...labels, status: '500' },
        rates((ratio) => ratio),
        podLife,
      ),
    ];
  }).flat();
}

/** Constant gauges `events_good` and `events`, for values that no counter has. */
function events(scenario: string, good: number, total: number): TestSeries[] {
  return [gauge('events_good', { scenario }, good), gauge('events', { scenario }, total)];
}

const always = -historySeconds;

/** Told apart by the label `scenario`. `http_requests_total{status=~"5.."}` are the errors. */
export function allScenarios(): TestSeries[] {
  const idle: RateStep[] = [
    [always, 10],
    [always + minute, 0],
  ];
  return [
    ...requests('healthy', [[always, 0.0005]]),
    ...requests('fast-burn', [
      [always, 0.0001],
      [-2 * hour, 0.1],
    ]), // 20x in 5m and 1h
    ...requests('slow-burn', [
      [always, 0.0001],
      [-8 * hour, 0.04],
    ]), // 8x in 5m, 1h and 6h
    ...requests('exactly-7-percent', [[always, 0.07]]), // 14x at 99.5 %
    ...requests('spike', [
      [always, 0.0001],
      [-5 * minute, 0.08],
    ]), // 16x in 5m, little in 1h
    ...requests('recovered', [
      [always, 0.0001],
      [-1 * hour, 0.2],
      [-10 * minute, 0],
    ]), // much in 1h, none in 5m
    ...requests('young', [[always, 0.0005]], { bornAt: -2 * hour }),
    ...requests('stopped', [[always, 0.0005]], { diedAt: -20 * minute }),
    ...requests('stopping', [[always, 0.0005]], { diedAt: -150 }),
    ...requests('hole', [[always, 0.0005]], { hole: [-4 * hour, -2 * hour] }),
    counter('http_requests_total', { scenario: 'no-traffic', status: '200' }, idle),
    counter('http_requests_total', { scenario: 'no-traffic', status: '500' }, idle),
    counter('http_requests_total', { scenario: 'no-good', status: '500' }, [[always, 100]]),
    // Two metric names; the source of the errors died.
    counter('jobs_total', { scenario: 'dead-errors' }, [[always, 100]]),
    counter('job_errors_total', { scenario: 'dead-errors' }, [[always, 0.05]], { diedAt: -20 * minute }),
    ...['5m', '1h', '6h', '30d'].flatMap((window) => [
      gauge(`job:requests:rate${window}`, { scenario: 'recorded' }, 100),
      gauge(`job:requests_good:rate${window}`, { scenario: 'recorded' }, 99.95),
    ]),
    ...events('nan', NaN, NaN),
    ...events('nan-good', NaN, 100),
    ...events('inf', 100, Infinity),
    ...events('minus-inf', -Infinity, 100),
    ...events('negative-good', -5, 100),
    ...events('negative-total', 5, -100),
    ...events('zero', 0, 0),
    ...events('impossible', 105, 100),
  ];
}

/** One service of many pods: two series a pod. */
export function fleet(pods: number): TestSeries[] {
  return requests('fleet', [[always, 0.0005]], {}, pods);
}

import { counter, gauge, historySeconds, type TestSeries } from '../support/metric-scenarios.ts';

// What the metrics of slos/neighbours look like in each scenario, as multiples of what the objective allows.

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const always = -historySeconds;

export const scenarios = ['healthy', 'flawless', 'fast', 'outage', 'slow', 'silent', 'idle'] as const;
export type Scenario = (typeof scenarios)[number];

type Step = readonly [fromSeconds: number, value: number];

/** From when on the error budget burns how fast. */
const burns: Readonly<Record<Scenario, readonly Step[]>> = {
  healthy: [[always, 0.2]],
  flawless: [[always, 0]],
  fast: [
    [always, 0.2],
    [-90 * minute, 17],
  ],
  // All of it fails.
  outage: [
    [always, 0.2],
    [-3 * hour, Infinity],
  ],
  slow: [
    [always, 0.2],
    [-30 * hour, 4],
  ],
  silent: [[always, 0.2]],
  idle: [[always, 0.2]],
};

/** Nobody is there in six hours of each day, and where the scenario is `idle` in the last seven too. */
function traffic(scenario: Scenario): readonly Step[] {
  const nights = Array.from({ length: 31 }, (_, index): Step[] => [
    [-(30 - index) * day - 16 * hour, 0],
    [-(30 - index) * day - 10 * hour, 1],
  ]).flat();
  return [[always, 1], ...nights, ...(scenario === 'idle' ? ([[-7 * hour, 0]] as const) : [])];
}

const valueAt = (steps: readonly Step[], offset: number) => steps.findLast(([from]) => from <= offset)?.[1] ?? 0;

const diedAt = (scenario: Scenario) => (scenario === 'silent' ? { diedAt: -20 * minute } : {});

/** Dense where short windows look, thin where a counter's slope is all that matters. */
function thinned(series: TestSeries): TestSeries {
  const isKept = (offset: number) =>
    offset >= -12 * minute ||
    (offset >= -2.25 * hour && offset % (2 * minute) === 0) ||
    (offset >= -8 * hour && offset % (10 * minute) === 0) ||
    (offset >= -3 * day && offset % (30 * minute) === 0) ||
    offset % (4 * hour) === 0;
  return { ...series, at: (offset) => (isKept(offset) ? series.at(offset) : null) };
}

/** For `startPrometheus`: 30 s for what a subquery of some hours sees, 5 min for three days, then hours. */
export const history: readonly number[] = [
  ...range(-30 * day, -3 * day, hour),
  ...range(-3 * day, -8.5 * hour, 5 * minute),
  ...range(-8.5 * hour, 1, 30),
];

function range(from: number, to: number, step: number): number[] {
  return Array.from({ length: Math.ceil((to - from) / step) }, (_, index) => from + index * step);
}

interface Counted {
  readonly scenario: Scenario;
  /** 1 − objective. */
  readonly budget: number;
}

/** Counters in three pods, which restart now and then, so that their counters begin at 0; one scrape was missed. */
function pods(
  { scenario, budget }: Counted,
  counters: readonly { name: string; labels: Record<string, string>; share: (bad: number) => number }[],
): TestSeries[] {
  const awake = traffic(scenario);
  const instants = [...new Set([...awake, ...burns[scenario]].map(([from]) => from))].toSorted((a, b) => a - b);
  return [0, 1, 2].flatMap((pod) =>
    counters.map(({ name, labels, share }) => {
      const steps = instants.map((from): Step => {
        const bad = Math.min(1, valueAt(burns[scenario], from) * budget);
        return [from, 40 * valueAt(awake, from) * share(bad)];
      });
      const life = { restartEvery: (29 + 7 * pod) * hour, hole: [-130, -110] as const, ...diedAt(scenario) };
      return thinned(counter(name, { instance: `10.0.0.${pod}:9100`, ...labels }, steps, life));
    }),
  );
}

const good = (bad: number) => 1 - bad;
const failed = (bad: number) => bad;
const all = () => 1;

function requests(counted: Counted, labels: Record<string, string>): TestSeries[] {
  return pods(counted, [
    { name: 'http_requests_total', labels: { ...labels, status: '200' }, share: good },
    // A service that never failed has no such series.
    ...(counted.scenario === 'flawless'
      ? []
      : [{ name: 'http_requests_total', labels: { ...labels, status: '503' }, share: failed }]),
  ]);
}

function durations(counted: Counted, name: string, labels: Record<string, string>, bounds: readonly string[]) {
  return pods(counted, [
    ...bounds.map((le) => ({ name: `${name}_bucket`, labels: { ...labels, le }, share: good })),
    { name: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, share: all },
    { name: `${name}_count`, labels, share: all },
  ]);
}

/** Whether the bound of a gauge is broken: the last 20 minutes, or two minutes in each fifty. */
function isBeyond(scenario: Scenario, offset: number): boolean {
  if (scenario === 'fast') return offset >= -20 * minute;
  if (scenario === 'outage') return offset >= -3 * hour;
  return scenario === 'slow' && offset > -30 * hour && offset < 0 && modulo(offset - 25 * minute, 50 * minute) < 120;
}

/** Whether a probe fails: since a moment ago, or one in an hour and a half. */
function isDown(scenario: Scenario, offset: number): boolean {
  if (scenario === 'fast') return offset >= -45;
  if (scenario === 'outage') return offset >= -3 * hour;
  return scenario === 'slow' && offset > -30 * hour && offset < 0 && modulo(offset + 50 * minute, 90 * minute) === 0;
}

const modulo = (a: number, b: number) => ((a % b) + b) % b;

function gauges(
  scenario: Scenario,
  name: string,
  labels: Record<string, string>,
  value: (offset: number) => number,
): TestSeries[] {
  return ['a', 'b'].map((instance) => ({
    ...gauge(name, { ...labels, instance }, 0),
    at: (offset) => (offset > (diedAt(scenario).diedAt ?? Infinity) ? null : value(offset)),
  }));
}

/** Errors told apart by a label more than their total: the two sums of the same rates differ by rounding. */
function byReason(name: string, labels: Record<string, string>) {
  return Object.entries({ timeout: 0.1, refused: 0.2, broken: 0.7 }).map(([reason, part]) => ({
    name,
    labels: { ...labels, reason },
    share: (bad: number) => bad * part,
  }));
}

/** All series of the three packs in a scenario; `name` is what the scenario's labels end with. */
export function packSeries(scenario: Scenario, name: string): TestSeries[] {
  const aion = { namespace: `aion${name}` };
  const bus = { namespace: `aegis-event-bus${name}` };
  const kv = { job: `aegiskv${name}` };
  const percent = { scenario, budget: 0.01 };
  const permille = { scenario, budget: 0.001 };
  const twentieth = { scenario, budget: 0.05 };
  const counts = {
    gateway: { ...aion, job: 'gateway' },
    control: { ...aion, job: 'control' },
    app: { ...bus, job: 'app' },
  };
  const mqtt = { ...bus, job: 'mosquitto' };
  return [
    ...Object.values(counts).flatMap((labels) => requests(percent, labels)),
    // As Prometheus 3 writes it.
    ...durations(twentieth, 'http_request_duration_seconds', counts.gateway, ['3.0']),
    ...durations(twentieth, 'http_request_duration_seconds', counts.app, ['0.5']),
    ...['gateway', 'control'].flatMap((job) =>
      gauges(scenario, 'probe_success', { ...aion, job: `${job}-healthz` }, (offset) =>
        isDown(scenario, offset) ? 0 : 1,
      ),
    ),
    ...gauges(scenario, 'worker_queue_depth', counts.control, (offset) => (isBeyond(scenario, offset) ? 1500 : 40)),
    ...gauges(scenario, 'aegis_cluster_members', kv, (offset) => (isBeyond(scenario, offset) ? 2 : 3)),
    ...['get', 'set'].flatMap((op) => [
      ...pods(permille, [
        { name: 'aegis_ops_total', labels: { ...kv, op }, share: all },
        ...(scenario === 'flawless' ? [] : byReason('aegis_ops_errors_total', { ...kv, op })),
      ]),
      ...durations(percent, 'aegis_ops_latency_seconds', { ...kv, op }, ['0.01', '0.05']),
    ]),
    ...pods(percent, [
      { name: 'broker_publish_messages_sent', labels: mqtt, share: good },
      ...(scenario === 'flawless' ? [] : [{ name: 'broker_publish_messages_dropped', labels: mqtt, share: failed }]),
    ]),
  ];
}

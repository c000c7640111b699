import { Type } from 'typebox';
import { standingDecision } from '../../policy/answer.ts';
import type { Api, ApiDeps, ApiMetrics } from '../deps.ts';
import { failure, Timestamp } from '../schemas.ts';

const Count = Type.Number();

const Stats = Type.Object(
  {
    version: Type.String(),
    adapter: Type.String(),
    startedAt: Timestamp,
    uptimeSeconds: Count,
    slos: Type.Object({
      loaded: Count,
      ALLOW: Count,
      WARN: Count,
      BLOCK: Count,
      notEvaluated: Count,
      filesInError: Count,
    }),
    evaluations: Type.Object({ ok: Count, noData: Count, failed: Count, waiting: Count, running: Count }),
    requests: Type.Object({ answered: Count, failed: Type.Number({ description: '5xx.' }), open: Count }),
    decisions: Type.Object({ served: Count, forced: Count }),
    audit: Type.Object({ stored: Count, waiting: Count, dropped: Count }),
    circuitBreakers: Type.Record(Type.String(), Type.String(), { description: 'State by service.' }),
    memory: Type.Object({ rssBytes: Count, heapUsedBytes: Count, heapTotalBytes: Count, externalBytes: Count }),
  },
  { description: 'Counts are since the start.' },
);

/** What an operator looks at first. Everything in it is counted elsewhere; most of it is read from the metrics. */
export function statsRoute(app: Api, deps: StatsDeps): void {
  const { metrics, orders, about, clock } = deps;
  if (metrics === undefined) return;
  app.route({
    method: 'GET',
    url: '/stats',
    config: { access: ['read'] },
    schema: {
      operationId: 'getStats',
      summary: 'The server at a glance',
      tags: ['operations'],
      response: { 200: Stats, 500: failure[500] },
    },
    handler: async () => ({
      version: about.version,
      adapter: about.adapter,
      startedAt: new Date(about.startedAtMs).toISOString(),
      uptimeSeconds: Math.round((clock.now().wallMs - about.startedAtMs) / 1000),
      slos: slosByDecision(deps),
      ...(await countsOf(metrics)),
      requests: { ...(await requestsOf(metrics)), open: app.traffic.openRequests() },
      circuitBreakers: Object.fromEntries(
        [...orders.breakers].map(([name, breaker]) => [name, breaker.status().state]),
      ),
      memory: memory(),
    }),
  });
}

type StatsDeps = Pick<ApiDeps, 'metrics' | 'orders' | 'about' | 'clock' | 'catalogue' | 'decisions'>;

function slosByDecision({ catalogue, decisions }: Pick<StatsDeps, 'catalogue' | 'decisions'>) {
  const { slos, filesInError } = catalogue.current();
  const counts = { ALLOW: 0, WARN: 0, BLOCK: 0, notEvaluated: 0 };
  for (const id of slos.keys()) {
    const served = decisions.current(id);
    counts[served === undefined ? 'notEvaluated' : standingDecision(served).decision] += 1;
  }
  return { loaded: slos.size, ...counts, filesInError: filesInError.length };
}

/** The sum of a metric's series that have these labels. */
async function sum(metrics: ApiMetrics, name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
  const wanted = Object.entries(labels);
  const series = await metrics.read(name);
  return series
    .filter((one) => wanted.every(([label, value]) => one.labels[label] === value))
    .reduce((total, { value }) => total + value, 0);
}

async function countsOf(metrics: ApiMetrics) {
  const read = (name: string, labels?: Readonly<Record<string, string>>) => sum(metrics, `aegis_${name}`, labels);
  return {
    evaluations: {
      ok: await read('evaluations_total', { outcome: 'ok' }),
      noData: await read('evaluations_total', { outcome: 'no_data' }),
      failed: await read('evaluations_total', { outcome: 'failed' }),
      waiting: await read('evaluations_waiting'),
      running: await read('evaluations_running'),
    },
    decisions: {
      served: await read('decisions_served_total'),
      forced: await read('decisions_served_total', { forced: 'true' }),
    },
    audit: {
      stored: await read('audit_rows_stored_total'),
      waiting: await read('audit_rows_waiting'),
      dropped: await read('audit_rows_dropped_total'),
    },
  };
}

async function requestsOf(metrics: ApiMetrics): Promise<{ answered: number; failed: number }> {
  const series = await metrics.read('aegis_http_requests_total');
  const totalOf = (all: typeof series) => all.reduce((total, { value }) => total + value, 0);
  return { answered: totalOf(series), failed: totalOf(series.filter(({ labels }) => Number(labels.status) >= 500)) };
}

function memory() {
  const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
  return { rssBytes: rss, heapUsedBytes: heapUsed, heapTotalBytes: heapTotal, externalBytes: external };
}

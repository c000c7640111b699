import { Counter, type Registry } from 'prom-client';
import { createBuckets, observe, ReadHistogram, type Buckets } from './buckets.ts';
import { createLatencies, type Latencies } from './latencies.ts';

/** One answered request, as the HTTP server tells it. */
export interface AnsweredRequest {
  /** The route's pattern, never the URL: labels stay bounded. */
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly durationMs: number;
}

interface RouteCounts {
  /** By method, then by status. */
  readonly answers: Map<string, Map<number, number>>;
  readonly seconds: Buckets;
  readonly latencies: Latencies;
}

const bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

/** Answered requests: counted in plain numbers on their way, read when somebody asks. */
export function addRequestMetrics(registers: Registry[], monotonicMs: () => number) {
  const routes = new Map<string, RouteCounts>();

  new Counter({
    name: 'aegis_http_requests_total',
    help: 'HTTP requests answered.',
    labelNames: ['route', 'method', 'status'],
    registers,
    collect() {
      this.reset();
      for (const [route, { answers }] of routes) {
        for (const [method, statuses] of answers) {
          for (const [status, count] of statuses) this.inc({ route, method, status }, count);
        }
      }
    },
  });
  new ReadHistogram(registers, {
    name: 'aegis_http_request_duration_seconds',
    help: 'Time from a request to the end of its answer.',
    labelNames: ['route'],
    bounds,
    read: () => [...routes].map(([route, { seconds }]) => [{ route }, seconds] as const),
  });

  function countsOf(route: string): RouteCounts {
    let counts = routes.get(route);
    if (counts === undefined) {
      counts = { answers: new Map(), seconds: createBuckets(bounds), latencies: createLatencies(monotonicMs) };
      routes.set(route, counts);
    }
    return counts;
  }

  return {
    onAnswered({ route, method, status, durationMs }: AnsweredRequest): void {
      const { answers, seconds, latencies } = countsOf(route);
      let statuses = answers.get(method);
      if (statuses === undefined) {
        statuses = new Map<number, number>();
        answers.set(method, statuses);
      }
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      observe(seconds, durationMs / 1000);
      latencies.record(durationMs, status >= 500);
    },
    byRoute: () => [...routes].map(([route, { latencies }]) => ({ route, latencies })),
  };
}

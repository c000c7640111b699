import type { Registry } from 'prom-client';
import type { SloCatalogue } from '../catalogue/ports.ts';
import type { Evaluation } from '../policy/decision-source.ts';
import { addEvaluationMetrics } from './evaluation-metrics.ts';
import { createLatencySum, recentSeconds, type Latencies, type LatencyReport } from './latencies.ts';
import { addRequestMetrics, type AnsweredRequest } from './request-metrics.ts';
import type { SlowSlo } from './slowest-slos.ts';

interface Timed {
  /** The last five to six minutes. */
  readonly recent: LatencyReport;
  readonly sinceStart: LatencyReport;
}

/** How fast requests are answered and SLOs evaluated. */
export interface PerformanceReport {
  readonly recentSeconds: number;
  readonly uptimeSeconds: number;
  readonly requests: Timed;
  /** Those that were asked for, the busiest first. */
  readonly routes: (Timed & { readonly route: string })[];
  readonly evaluations: Timed;
  readonly slowestSlos: SlowSlo[];
}

export interface Performance {
  onAnswered(request: AnsweredRequest): void;
  onEvaluated(evaluation: Evaluation, durationMs: number): void;
  onSlotTaken(latenessMs: number): void;
  report(): PerformanceReport;
}

const mostSlowest = 10;

/** Requests and evaluations, in the registry and as percentiles. */
export function addPerformanceMetrics(
  registers: Registry[],
  catalogue: SloCatalogue,
  monotonicMs: () => number,
): Performance {
  const startedMs = monotonicMs();
  const requests = addRequestMetrics(registers, monotonicMs);
  const evaluations = addEvaluationMetrics(registers, catalogue, monotonicMs);

  function timed(all: readonly Latencies[], nowMs: number): Timed {
    const [recent, sinceStart] = [createLatencySum(), createLatencySum()];
    for (const latencies of all) {
      latencies.addRecentTo(recent);
      latencies.addAllTo(sinceStart);
    }
    return {
      recent: recent.report(recentSeconds(nowMs, startedMs)),
      sinceStart: sinceStart.report((nowMs - startedMs) / 1000),
    };
  }

  return {
    onAnswered: (request) => requests.onAnswered(request),
    onEvaluated: (evaluation, durationMs) => evaluations.onEvaluated(evaluation, durationMs),
    onSlotTaken: (latenessMs) => evaluations.onSlotTaken(latenessMs),
    report() {
      const nowMs = monotonicMs();
      const byRoute = requests.byRoute();
      const routes = byRoute.map(({ route, latencies }) => ({ route, ...timed([latencies], nowMs) }));
      return {
        recentSeconds: Math.round(recentSeconds(nowMs, startedMs)),
        uptimeSeconds: Math.round((nowMs - startedMs) / 1000),
        requests: timed(
          byRoute.map(({ latencies }) => latencies),
          nowMs,
        ),
        routes: routes.sort((a, b) => b.sinceStart.count - a.sinceStart.count),
        evaluations: timed([evaluations.latencies], nowMs),
        slowestSlos: evaluations.slowest.top(mostSlowest),
      };
    },
  };
}

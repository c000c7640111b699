import { stalenessLimitMs, type Service, type SourceWorld } from './source-world.ts';

/** One way in which a metrics source, or the data in it, goes away. */
export interface SourceRow {
  readonly title: string;
  readonly service: Service;
  begin(world: SourceWorld): void | Promise<void>;
  /** Ends the fault; resolves with the instant from which on a complete, fresh measurement can be had. */
  end(world: SourceWorld): Promise<number>;
  /** For so long after its beginning the data is as fresh as the SLO asks. */
  readonly graceMs: number;
  readonly code: string;
  readonly cause: string;
  /** And until the circuit breaker has opened, where that answers from then on. */
  readonly causeAtFirst?: string;
  /** The rules can still be measured, so that a BLOCK goes on by measurement. */
  readonly measured?: true;
  readonly recovery: string;
}

const retryAfterSeconds = 8;

/** In this order, and those of one list at the same time. */
export const sourceSteps: readonly (readonly SourceRow[])[] = [
  [
    {
      title: 'connection refused',
      service: 'steady',
      begin: ({ proxy }) => proxy.set('refuse'),
      async end({ proxy }) {
        await proxy.set('pass');
        return Date.now();
      },
      graceMs: 0,
      code: 'query_failed',
      cause: 'unreachable: circuit open: connection refused (127.0.0.1:',
      causeAtFirst: 'unreachable: connection refused (127.0.0.1:',
      recovery: 'ALLOW within two intervals',
    },
  ],
  [
    {
      title: 'HTTP 429 with `Retry-After`',
      service: 'steady',
      begin: ({ proxy }) => proxy.set('http-429', { retryAfter: `${retryAfterSeconds}` }),
      async end({ proxy }) {
        await proxy.set('pass');
        const last = proxy.seen.findLast(({ struckBy }) => struckBy === 'http-429');
        // The gate counts from when it had the answer.
        return Math.max(Date.now(), (last?.atMs ?? 0) + retryAfterSeconds * 1000 + 1_000);
      },
      graceMs: 0,
      code: 'query_failed',
      cause: 'rate-limited: HTTP 429 Too Many Requests: not asked again for another',
      recovery: 'ALLOW within two intervals of `Retry-After`',
    },
  ],
  [
    {
      title: 'Prometheus frozen (SIGSTOP)',
      service: 'steady',
      begin: ({ prometheus }) => prometheus.freeze(),
      end(world) {
        world.prometheus.thaw();
        return world.sampled();
      },
      // A signal takes a moment.
      graceMs: 500,
      code: 'query_failed',
      cause: 'unreachable: circuit open: no answer within 1s',
      causeAtFirst: 'timeout: no answer within 1.9s',
      recovery: 'ALLOW within two intervals of its next scrape',
    },
  ],
  [
    {
      title: 'Prometheus killed, behind a proxy that closes the connection',
      service: 'steady',
      begin: ({ prometheus }) => prometheus.kill(),
      async end(world) {
        await world.prometheus.restart();
        return world.sampled();
      },
      graceMs: 0,
      code: 'query_failed',
      cause: 'unreachable: circuit open: connection closed',
      causeAtFirst: 'unreachable: connection closed',
      recovery: 'ALLOW within two intervals of its next scrape',
    },
  ],
  [
    {
      title: 'target dead',
      service: 'steady',
      begin: ({ setTarget }) => setTarget('down'),
      end(world) {
        world.setTarget('up');
        return world.sampled();
      },
      graceMs: stalenessLimitMs,
      code: 'stale',
      cause: 'data is stale',
      measured: true,
      recovery: 'ALLOW within two intervals of its next scrape',
    },
  ],
  [
    {
      title: 'series gone from a target that lives',
      service: 'vanishing',
      begin: ({ setVanished }) => setVanished(true),
      end(world) {
        world.setVanished(false);
        return world.sampled();
      },
      graceMs: stalenessLimitMs,
      code: 'stale',
      cause: 'data is stale',
      measured: true,
      recovery: 'ALLOW within two intervals of its next scrape',
    },
    {
      title: 'timestamps frozen by the exporter',
      service: 'old',
      begin: ({ setTimestamps }) => setTimestamps('frozen'),
      end(world) {
        world.setTimestamps('running');
        return world.sampled();
      },
      graceMs: stalenessLimitMs,
      code: 'stale',
      cause: 'data is stale',
      measured: true,
      recovery: 'ALLOW within two intervals of its next scrape',
    },
  ],
  [
    {
      title: 'Prometheus restarted empty',
      service: 'steady',
      async begin({ prometheus, setTarget }) {
        setTarget('down');
        await prometheus.restart({ empty: true });
      },
      end({ setTarget, filled }) {
        setTarget('up');
        return filled();
      },
      graceMs: 0,
      code: 'missing_total',
      cause: 'insufficient data (zero traffic)',
      recovery: 'ALLOW within two intervals of `minDataPoints`',
    },
  ],
];

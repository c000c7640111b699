import { startFaultProxy, type FaultProxy } from '../../support/fault-proxy.ts';
import { eventually } from '../../support/eventually.ts';
import { createGate, type GateServer } from '../../support/gate-server.ts';
import type { TestSeries } from '../../support/metric-scenarios.ts';
import { startPrometheus, type TestPrometheus } from '../../support/prometheus.ts';
import { healths, requestSeries, subject } from './service.ts';

export const intervalMs = 2_000;
export const stalenessLimitMs = 6_000;

/** Three services, of which two can be harmed by themselves. */
export const services = ['steady', 'vanishing', 'old'] as const;
export type Service = (typeof services)[number];

/** A Prometheus behind a proxy, and two gates: one lives on, the other is started anew in each fault. */
export interface SourceWorld {
  readonly prometheus: TestPrometheus;
  readonly proxy: FaultProxy;
  readonly living: GateServer;
  readonly fresh: GateServer;
  readonly setTarget: (state: 'up' | 'down') => void;
  /** The series of `vanishing` are gone from the next scrape on. */
  readonly setVanished: (isGone: boolean) => void;
  /** The exporter goes on to claim the present instant for the samples of `old`. */
  readonly setTimestamps: (state: 'frozen' | 'running') => void;
  /** Waits until each series has a sample of now; resolves with the instant from which on that is so. */
  readonly sampled: () => Promise<number>;
  /** Waits until each series has samples enough for a decision. */
  readonly filled: () => Promise<number>;
  close(): Promise<void>;
}

/** The SLOs of the fresh gate have names of their own, so that the proxy tells its requests from the other's. */
export function nameIn(gate: 'living' | 'fresh', service: Service): string {
  return `${gate}-${service}`;
}

export async function startSourceWorld(): Promise<SourceWorld> {
  let isVanished = false;
  let frozenAt: number | undefined;
  const series: readonly TestSeries[] = services.flatMap((service) =>
    requestSeries(service).map((one): TestSeries => {
      if (service === 'vanishing') return { ...one, at: (offset) => (isVanished ? null : one.at(offset)) };
      if (service === 'old') return { ...one, claimedOffset: (offset) => frozenAt ?? offset };
      return one;
    }),
  );
  const prometheus = await startPrometheus({ series });
  const proxy = await startFaultProxy(prometheus.url);
  const gateOf = (which: 'living' | 'fresh') =>
    createGate({
      slos: services.flatMap((service) =>
        healths.map((health) =>
          subject(health, {
            name: nameIn(which, service),
            source: service,
            intervalSeconds: intervalMs / 1000,
            stalenessLimit: `${stalenessLimitMs / 1000}s`,
          }),
        ),
      ),
      prometheusUrl: proxy.url,
      args: ['--prometheus-timeout', '1900ms'],
    });
  const [living, fresh] = await Promise.all([gateOf('living'), gateOf('fresh')]);

  const eachSeries = (promql: string, holds: (value: number) => boolean) =>
    eventually(async () => {
      const values = await prometheus.query(promql);
      if (values.length < series.length || !values.every(holds)) throw new Error(`${promql} gives ${values.join()}`);
      return Date.now();
    }, 60_000);

  return {
    prometheus,
    proxy,
    living,
    fresh,
    setTarget: (state) => prometheus.setExporter(state === 'up' ? series : 'down'),
    setVanished: (isGone) => void (isVanished = isGone),
    setTimestamps: (state) => {
      frozenAt = state === 'frozen' ? (Date.now() - prometheus.startedAtMs) / 1000 : undefined;
    },
    sampled() {
      const sinceMs = Date.now();
      return eachSeries('timestamp(requests_total)', (at) => at * 1000 >= sinceMs);
    },
    filled: () => eachSeries('count_over_time(requests_total[2m])', (count) => count >= 3),
    async close() {
      await living.remove();
      await fresh.remove();
      await proxy.close();
      await prometheus.stop();
    },
  };
}

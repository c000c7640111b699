import { createPrometheusAdapter } from '../../../src/adapter/prometheus/adapter.ts';
import { systemClock, type Clock } from '../../../src/clock.ts';
import type { PrometheusSettings } from '../../../src/config/settings.ts';
import type { Measurement } from '../../../src/eval/measurement.ts';
import { decide } from '../../../src/policy/decide.ts';
import { windowsOf, type Slo } from '../../../src/slo/model.ts';
import { startFaultProxy, type FaultProxy } from '../../support/fault-proxy.ts';
import { anSlo, type SloOptions } from '../../support/slo.ts';
import { listLog, settingsFor } from './settings.ts';

/** An SLO over one of the scenarios of test/support/metric-scenarios.ts. */
export function scenarioSlo(name: string, changes: SloOptions = {}): Slo {
  return anSlo({
    id: name,
    good: `sum(rate(http_requests_total{scenario="${name}",status!~"5.."}[{{window}}]))`,
    total: `sum(rate(http_requests_total{scenario="${name}"}[{{window}}]))`,
    ...changes,
  });
}

export interface Bench {
  readonly proxy: FaultProxy;
  readonly adapter: ReturnType<typeof createPrometheusAdapter>;
  readonly logged: readonly string[];
  /** Moves the adapter's monotonic clock. */
  advance(ms: number): void;
  measure(slo: Slo, signal?: AbortSignal): Promise<Measurement>;
  decided(
    slo: Slo,
  ): Promise<{ measurement: Measurement; decision: string; reasons: readonly string[]; notes: readonly string[] }>;
  close(): Promise<void>;
}

/** An adapter that asks Prometheus through a misbehaving proxy. */
export async function startBench(url: string, changes: Partial<PrometheusSettings> = {}): Promise<Bench> {
  const proxy = await startFaultProxy(url);
  let advancedMs = 0;
  const clock: Clock = {
    now: () => ({ wallMs: Date.now(), monotonicMs: performance.now() + advancedMs }),
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
  };
  const log = listLog();
  const adapter = createPrometheusAdapter(settingsFor(proxy.url, { timeoutMs: 10_000, ...changes }), { clock, log });
  const measure = (slo: Slo, signal = AbortSignal.timeout(60_000)) =>
    adapter.measure({ slo, windows: windowsOf(slo), evaluatedAtMs: Date.now(), priority: 'scheduled' }, signal);
  return {
    proxy,
    adapter,
    logged: log.lines,
    advance: (ms) => void (advancedMs += ms),
    measure,
    async decided(slo) {
      const measurement = await measure(slo);
      const { decision, items, notes } = decide(slo, measurement, []);
      return { measurement, decision, reasons: items.map(({ reason }) => reason), notes };
    },
    async close() {
      await adapter.close();
      await proxy.close();
    },
  };
}

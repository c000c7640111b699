import { afterAll, afterEach, beforeAll } from 'vitest';
import type { SloDocument } from '../../src/slo/model.ts';
import { startFaultProxy, type FaultProxy } from './fault-proxy.ts';
import { createGate, type GateServer } from './gate-server.ts';
import { describeWithPrometheus, startPrometheus, type TestPrometheus } from './prometheus.ts';

export interface BehindProxy {
  readonly proxy: () => FaultProxy;
  /** A server that asks through the proxy; removed after the test. */
  readonly start: (slos: readonly SloDocument[]) => Promise<GateServer>;
}

/** Tests with a real Prometheus behind one proxy for all of them. */
export function describeBehindProxy(name: string, tests: (source: BehindProxy) => void): void {
  describeWithPrometheus(name, () => {
    let prometheus: TestPrometheus;
    let proxy: FaultProxy;
    let gate: GateServer | undefined;
    beforeAll(async () => {
      prometheus = await startPrometheus();
      proxy = await startFaultProxy(prometheus.url);
    });
    afterEach(() => gate?.remove());
    afterAll(async () => {
      await proxy.close();
      await prometheus.stop();
    });
    tests({
      proxy: () => proxy,
      async start(slos) {
        gate = await createGate({ prometheusUrl: proxy.url, slos });
        await gate.start();
        return gate;
      },
    });
  });
}

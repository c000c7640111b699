import type { Orders } from '../../src/api/orders.ts';

/** Orders that change nothing. */
export function fakeOrders(): Orders {
  return {
    reload: () =>
      Promise.resolve({
        slos: { outcome: 'ok', message: 'Loaded 1 SLOs', loaded: 1 },
        settings: { changed: [], needRestart: [], error: null },
      }),
    setRateLimit: () => undefined,
    setLogLevel: () => undefined,
    breakers: new Map(),
    drain: () => undefined,
  };
}

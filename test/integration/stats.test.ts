import { afterEach, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { createGate, type GateServer } from '../support/gate-server.ts';
import { sloDocument } from '../support/slo.ts';

let gate: GateServer | undefined;
afterEach(() => gate?.remove());

test('/stats and /metrics/performance tell what the server did', async () => {
  const server = await createGate({ slos: [sloDocument(), sloDocument({ id: 'other' })] });
  gate = server;
  await server.start();
  await eventually(async () => expect((await server.get('/readyz')).status).toBe(200));
  for (let i = 0; i < 5; i++) await server.decide('api-availability');
  await server.get('/v1/slo/nope');

  const stats = await eventually(async () => {
    const { body } = await server.get('/stats');
    expect(body).toMatchObject({ audit: { stored: 7 } }); // two evaluations, five decisions
    return body;
  });
  expect(stats).toMatchObject({
    adapter: 'synthetic',
    slos: { loaded: 2, ALLOW: 0, WARN: 2, BLOCK: 0, notEvaluated: 0, filesInError: 0 },
    evaluations: { ok: 0, noData: 0, failed: 2, waiting: 0, running: 0 },
    requests: { failed: 0, open: 1 },
    decisions: { served: 5, forced: 0 },
    audit: { waiting: 0, dropped: 0 },
  });
  const { requests, memory } = stats as { requests: { answered: number }; memory: { rssBytes: number } };
  expect(requests.answered).toBeGreaterThan(6);
  expect(memory.rssBytes).toBeGreaterThan(1e6);

  const { body } = await server.get('/metrics/performance');
  const { routes, evaluations, slowestSlos } = body as {
    routes: { route: string; recent: { count: number; latencyMs: { p50: number; max: number } } }[];
    evaluations: { sinceStart: { count: number; errorRate: number } };
    slowestSlos: { sloID: string }[];
  };
  const decisions = routes.find(({ route }) => route === '/v1/gate/decision')?.recent;
  expect(decisions?.count).toBe(5);
  expect(decisions?.latencyMs.p50).toBeGreaterThan(0);
  expect(decisions?.latencyMs.max).toBeLessThan(20_000);
  expect(evaluations.sinceStart).toMatchObject({ count: 2, errorRate: 1 });
  expect(slowestSlos.map(({ sloID }) => sloID).sort()).toEqual(['api-availability', 'other']);
});

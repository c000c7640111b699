import { describe, expect, it } from 'vitest';
import { adminSocketUser } from '../../src/access/open-access.ts';
import type { AccessControl } from '../../src/access/ports.ts';
import type { Orders } from '../../src/api/orders.ts';
import type { BreakerStatus, CircuitBreaker } from '../../src/eval/source-control.ts';
import { anApi, type TestApi } from '../support/api.ts';
import { fakeOrders } from '../support/fake-orders.ts';

const operator: AccessControl = {
  openMetrics: true,
  asksForKey: false,
  identify: () => ({ kind: 'identified', identity: { ...adminSocketUser, name: 'ops' } }),
};

function fakeBreaker(): CircuitBreaker {
  let state: BreakerStatus['state'] = 'closed';
  return {
    trip: () => void (state = 'tripped'),
    reset: () => void (state = 'closed'),
    status: () => ({ state, sinceMs: Date.UTC(2026, 10, 21), refused: 0, reason: null }),
  };
}

/** An API for an operator, and what was ordered of it. */
function commanded(changes: Partial<Orders> = {}): TestApi & { readonly given: unknown[] } {
  const given: unknown[] = [];
  const orders: Orders = {
    ...fakeOrders(),
    setRateLimit: (perSecond) => given.push(perSecond),
    setLogLevel: (level) => given.push(level),
    drain: (isDraining) => given.push(isDraining),
    breakers: new Map([['prometheus', fakeBreaker()]]),
    ...changes,
  };
  return { ...anApi({ deps: { access: operator, orders } }), given };
}

const post = (url: string) => ({ method: 'POST', url }) as const;

describe('orders', () => {
  it.each([
    ['/admin/rate-limit?ops_per_sec=1000', { opsPerSec: 1000 }, 1000],
    ['/admin/rate-limit?ops_per_sec=0.5', { opsPerSec: 0.5 }, 0.5],
    ['/admin/rate-limit?ops_per_sec=0', { opsPerSec: 0 }, 0],
    ['/admin/log-level?level=debug', { level: 'debug' }, 'debug'],
    ['/admin/drain', { draining: true }, true],
  ])('%s is carried out, answered and written down', async (url, answer, given) => {
    const api = commanded();
    const response = await api.app.inject(post(url));
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual(answer);
    expect(api.given).toEqual([given]);
    const [order = '', query = ''] = url.split('?');
    expect(api.ordered).toEqual([
      {
        atMs: expect.any(Number) as unknown,
        order: `POST ${order}`,
        parameters: Object.fromEntries(new URLSearchParams(query)),
        outcome: expect.stringMatching(/./) as unknown,
        caller: 'ops',
        address: '127.0.0.1',
        requestId: response.headers['x-request-id'],
      },
    ]);
    const line = api.log.lines.find(({ message }) => message === 'order');
    expect(line).toMatchObject({ level: 'warn', fields: { order: `POST ${order}`, caller: 'ops' } });
  });

  it('draining is ended by DELETE', async () => {
    const api = commanded();
    const response = await api.app.inject({ method: 'DELETE', url: '/admin/drain' });
    expect(response.json()).toEqual({ draining: false });
    expect(api.given).toEqual([false]);
  });

  it('a reload answers with what came of it', async () => {
    const report = {
      slos: { outcome: 'errors' as const, message: '1 of 2 files in error', loaded: 1 },
      settings: { changed: ['--log-level'], needRestart: ['--port'], error: null },
    };
    const api = commanded({ reload: () => Promise.resolve(report) });
    const response = await api.app.inject(post('/admin/reload'));
    expect(response.json()).toEqual(report);
    expect(api.ordered).toMatchObject([{ order: 'POST /admin/reload', outcome: '1 of 2 files in error' }]);
  });

  it('what a reload did not take over is written down', async () => {
    const report = {
      slos: { outcome: 'ok' as const, message: 'Loaded 2 SLOs', loaded: 2 },
      settings: { changed: [], needRestart: [], error: 'aegis.yaml: "rate-limt": no such setting' },
      keys: { outcome: 'kept' as const, message: 'not read: keys.yaml:4:1: not valid YAML or JSON' },
      issuers: { outcome: 'ok' as const, message: 'read oidc.yaml: 1 issuer of tokens' },
      certificates: { error: 'tls.crt holds no certificate' },
    };
    const api = commanded({ reload: () => Promise.resolve(report) });
    await api.app.inject(post('/admin/reload'));
    const settings = 'settings not taken: aegis.yaml: "rate-limt": no such setting';
    const files =
      'keys: not read: keys.yaml:4:1: not valid YAML or JSON; certificates not taken: tls.crt holds no certificate';
    expect(api.ordered).toMatchObject([{ outcome: `Loaded 2 SLOs; ${settings}; ${files}` }]);
  });

  it('a circuit breaker is tripped, shown and reset', async () => {
    const api = commanded();
    const tripped = await api.app.inject(post('/admin/circuit-breaker/trip?service=prometheus'));
    expect(tripped.json()).toEqual({
      service: 'prometheus',
      state: 'tripped',
      since: '2026-11-21T00:00:00.000Z',
      refused: 0,
      reason: null,
    });
    const status = await api.app.inject('/admin/circuit-breaker/status');
    expect(status.json()).toEqual({ breakers: [tripped.json()] });
    const reset = await api.app.inject(post('/admin/circuit-breaker/reset?service=prometheus'));
    expect(reset.json()).toMatchObject({ state: 'closed' });
    expect(api.ordered.map(({ order }) => order)).toEqual([
      'POST /admin/circuit-breaker/trip',
      'POST /admin/circuit-breaker/reset',
    ]);
  });

  it('a breaker that does not exist is 404 and names those that do', async () => {
    const api = commanded();
    const response = await api.app.inject(post('/admin/circuit-breaker/trip?service=downstream'));
    expect(response.statusCode).toBe(404);
    expect(response.json()).toMatchObject({
      error: 'no circuit breaker in front of: downstream (there is: prometheus)',
    });
    expect(api.ordered).toEqual([]);
  });

  it.each([
    '/admin/rate-limit',
    '/admin/rate-limit?ops_per_sec=',
    '/admin/rate-limit?ops_per_sec=-1',
    '/admin/rate-limit?ops_per_sec=1e9',
    '/admin/log-level',
    '/admin/log-level?level=loud',
    '/admin/log-level?level=DEBUG',
    '/admin/circuit-breaker/trip',
    '/admin/circuit-breaker/trip?service=',
  ])('%s is refused with what is allowed, and changes nothing', async (url) => {
    const api = commanded();
    const response = await api.app.inject(post(url));
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({
      code: 'invalid_request',
      error: expect.stringMatching(/must|required/) as unknown,
    });
    expect([api.given, api.ordered]).toEqual([[], []]);
  });

  it.each([
    ['as curl -d sends it', 'application/x-www-form-urlencoded', 'a=b'],
    ['of JSON that is none', 'application/json', '{'],
    ['of no type that there is', 'x', '{'],
  ])('a body %s is not read', async (_what, type, payload) => {
    const api = commanded();
    const response = await api.app.inject({ ...post('/admin/drain'), headers: { 'content-type': type }, payload });
    expect(response.statusCode).toBe(200);
  });

  it.each(['/admin/reload', '/admin/drain', '/admin/rate-limit?ops_per_sec=1', '/admin/log-level?level=debug'])(
    '%s is refused where nobody has a key, and the way is named',
    async (url) => {
      const api = anApi();
      const response = await api.app.inject(post(url));
      expect(response.statusCode).toBe(403);
      expect(response.json()).toMatchObject({
        code: 'forbidden',
        error: expect.stringContaining('--admin-socket') as unknown,
      });
      expect(api.ordered).toEqual([]);
    },
  );
});

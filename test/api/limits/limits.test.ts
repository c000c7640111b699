import { once } from 'node:events';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import fc from 'fast-check';
import type { InjectOptions } from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AccessControl, Identity } from '../../../src/access/ports.ts';
import type { Edge } from '../../../src/api/deps.ts';
import { createRateLimiter } from '../../../src/api/limits/rate.ts';
import type { Served } from '../../../src/policy/decision-source.ts';
import { anApi, listen, type TestApi, type TestApiOptions } from '../../support/api.ts';
import { anEvaluation } from '../../support/evaluation.ts';
import { eventually } from '../../support/eventually.ts';
import { anSlo } from '../../support/slo.ts';
import { createVirtualClock } from '../../support/virtual-clock.ts';

interface Described {
  readonly paths: Readonly<Record<string, { post?: { responses: Readonly<Record<string, { headers?: object }>> } }>>;
}

const edge: Edge = {
  maxConnections: 100,
  trustedProxies: [],
  rates: () => ({ rateLimit: 0, forcedRateLimit: 0 }),
};

const limitedTo = (rateLimit: number, forcedRateLimit = 0, more: Partial<Edge> = {}): TestApiOptions => ({
  deps: { edge: { ...edge, rates: () => ({ rateLimit, forcedRateLimit }), ...more } },
});

const decision = (more: object = {}, from: Partial<InjectOptions> = {}): InjectOptions => ({
  method: 'POST',
  url: '/v1/gate/decision',
  payload: JSON.stringify({ sloID: 'api-availability', ...more }),
  ...from,
});
const forced = (from: Partial<InjectOptions> = {}) => decision({ forceFresh: true }, from);

async function statuses({ app }: TestApi, requests: readonly InjectOptions[]): Promise<readonly number[]> {
  const all: number[] = [];
  for (const request of requests) all.push((await app.inject(request)).statusCode);
  return all;
}

/** Begins a request: what `inject` gives does nothing until it is awaited. */
async function begin({ app }: TestApi, request: InjectOptions): Promise<number> {
  return (await app.inject(request)).statusCode;
}

const times = <T>(count: number, value: T): readonly T[] => Array.from({ length: count }, () => value);

describe('a bucket', () => {
  const rates = fc.double({ min: 0.01, max: 1000, noNaN: true });

  it('lets through what a second allows at once, and then one a turn', () => {
    const limiter = createRateLimiter();
    const take = (atMs: number) => limiter.take('a', 5, atMs);
    expect(times(5, 0).map(take)).toEqual([0, 0, 0, 0, 0]);
    expect(take(0)).toBeCloseTo(200);
    expect([take(200), take(399) > 0, take(400)]).toEqual([0, true, 0]);
  });

  it('never lets through more than one second allows beside the rate, at any rate and times', () => {
    fc.assert(
      fc.property(rates, fc.array(fc.nat({ max: 3000 }), { maxLength: 200 }), (rate, pauses) => {
        const limiter = createRateLimiter();
        let nowMs = 0;
        let admitted = 0;
        for (const pauseMs of pauses) {
          nowMs += pauseMs;
          if (limiter.take('a', rate, nowMs) === 0) admitted += 1;
        }
        expect(admitted).toBeLessThanOrEqual(Math.max(1, Math.floor(rate)) + (nowMs / 1000) * rate + 1e-6);
      }),
    );
  });

  it('has a turn after the wait that it tells', () => {
    fc.assert(
      fc.property(rates, fc.integer({ min: 1, max: 50 }), (rate, tries) => {
        const limiter = createRateLimiter();
        let waitMs = 0;
        for (let index = 0; index < tries || waitMs === 0; index += 1) waitMs = limiter.take('a', rate, 0);
        expect(limiter.take('a', rate, waitMs + 0.001)).toBe(0);
      }),
    );
  });

  it('of one client is no other one’s, and a flood of clients is forgotten rather than kept', () => {
    const limiter = createRateLimiter();
    expect([limiter.take('a', 1, 0), limiter.take('b', 1, 0)]).toEqual([0, 0]);
    expect(limiter.take('a', 1, 0)).toBe(1000);
    const before = process.memoryUsage().heapUsed;
    for (let index = 0; index < 300_000; index += 1) limiter.take(`flood of addresses ${index}`, 1, 0);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(100_000_000);
    expect(limiter.take('flood of addresses 299999', 1, 0)).toBe(1000);
  });
});

describe('a client', () => {
  it('is who was recognised, wherever they ask from; else the address', async () => {
    const named = (name: string): Identity => ({
      ...{ kind: 'key', name, scopes: new Set(['decide'] as const), seesAll: true, maySee: () => true },
    });
    const access: AccessControl = {
      openMetrics: true,
      asksForKey: true,
      identify: ({ token }) => ({ kind: 'identified', identity: named(typeof token === 'string' ? token : 'none') }),
    };
    const api = anApi({ deps: { access, edge: { ...edge, rates: () => ({ rateLimit: 1, forcedRateLimit: 0 }) } } });
    const by = (key: string, remoteAddress: string) => decision({}, { headers: { 'x-api-key': key }, remoteAddress });
    expect(
      await statuses(api, [
        by('ci', '10.0.0.1'),
        by('ci', '10.0.0.2'),
        by('other', '10.0.0.1'),
        by('other', '10.0.0.2'),
      ]),
    ).toEqual([200, 429, 200, 429]);
  });
});

describe('the rate limit', () => {
  it('answers 429 with when to ask again, says so once, and counts', async () => {
    const api = anApi(limitedTo(2));
    expect(await statuses(api, times(2, decision()))).toEqual([200, 200]);
    const answer = await api.app.inject(decision());
    expect(answer.statusCode).toBe(429);
    expect(answer.headers).toMatchObject({ 'retry-after': '1', 'ratelimit-limit': '2', 'ratelimit-remaining': '0' });
    expect(answer.json()).toEqual({
      error: '127.0.0.1 may send 2 requests a second: ask again in 1 s',
      code: 'rate_limited',
      requestId: answer.headers['x-request-id'],
    });
    await statuses(api, times(5, decision()));
    const lines = api.log.lines.filter(({ message }) => message === 'rate_limit');
    expect(lines.map(({ fields }) => fields)).toMatchObject([
      { client: '127.0.0.1', route: '/v1/gate/decision', budget: 'requests', per_second: 2, suppressed: 0 },
    ]);
    expect(api.app.limits.refused()).toEqual({ requests: 6, forced: 0, overload: 0 });
  });

  it('lets nobody be without health, readiness and orders', async () => {
    const admin: Identity = { kind: 'key', name: 'ops', scopes: new Set(['admin']), seesAll: true, maySee: () => true };
    const access: AccessControl = {
      openMetrics: true,
      asksForKey: true,
      identify: () => ({ kind: 'identified', identity: admin }),
    };
    const api = anApi({ deps: { access, edge: { ...edge, rates: () => ({ rateLimit: 0.001, forcedRateLimit: 0 }) } } });
    const order: InjectOptions = { method: 'POST', url: '/admin/rate-limit?ops_per_sec=0' };
    expect(await statuses(api, [decision(), decision()])).toEqual([200, 429]);
    const free = [{ url: '/healthz' }, { url: '/readyz' }, order];
    expect(await statuses(api, [...free, ...free])).toEqual(times(6, 200));
  });

  it('follows its setting at once, either way', async () => {
    let rateLimit = 1;
    const api = anApi(limitedTo(0, 0, { rates: () => ({ rateLimit, forcedRateLimit: 0 }) }));
    expect(await statuses(api, times(2, decision()))).toEqual([200, 429]);
    rateLimit = 100;
    expect(await statuses(api, times(3, decision()))).toEqual([200, 200, 200]);
    rateLimit = 1;
    expect(await statuses(api, times(2, decision()))).toEqual([200, 429]);
    rateLimit = 0;
    expect(await statuses(api, times(5, decision()))).toEqual(times(5, 200));
  });

  it('answers with headers that are described', async () => {
    const api = anApi(limitedTo(1));
    await api.app.inject(decision());
    const refused = await api.app.inject(decision());
    const { paths } = (await api.app.inject({ url: '/openapi.json', remoteAddress: '10.9.9.9' })).json<Described>();
    const described = Object.keys(paths['/v1/gate/decision']?.post?.responses['429']?.headers ?? {});
    expect(refused.statusCode).toBe(429);
    const own = Object.keys(refused.headers).filter((name) => /^(ratelimit|retry|x)-/.test(name));
    expect(own).toContain('ratelimit-reset');
    expect(described).toEqual(expect.arrayContaining(own));
  });

  it('of forced evaluations is a budget of its own: cached decisions go on, and nothing older is answered', async () => {
    const api = anApi(limitedTo(0, 1));
    expect(await statuses(api, [forced(), forced(), decision(), decision()])).toEqual([200, 429, 200, 200]);
    const refused = await api.app.inject(forced());
    expect(refused.json()).toMatchObject({ code: 'rate_limited' });
    expect(refused.body).not.toContain('ALLOW');
    expect(api.decisions.asked).toEqual(['api-availability forced']);
    expect(api.app.limits.refused()).toMatchObject({ requests: 0, forced: 2 });
    expect(await statuses(api, [decision({ sloID: 'nope', forceFresh: true })])).toEqual([404]);
  });

  it('writes no flood of lines for a flood of addresses, and tells how many it did not write', async () => {
    const clock = createVirtualClock();
    const api = anApi({
      deps: { clock, edge: { ...edge, rates: () => ({ rateLimit: 0.001, forcedRateLimit: 0 }) } },
    });
    const from = (index: number) => decision({}, { remoteAddress: `10.0.${index >> 8}.${index & 255}` });
    const flood = Array.from({ length: 300 }, (_, index) => from(index));
    await statuses(api, [...flood, ...flood]);
    const said = () => api.log.lines.filter(({ message }) => message === 'rate_limit');
    expect(said()).toHaveLength(100);
    await clock.advance(60_000);
    await statuses(api, [from(0)]);
    expect(said().at(-1)?.fields).toMatchObject({ client: '10.0.0.0', suppressed: 200 });
  });
});

describe('X-Forwarded-For', () => {
  const proxies = ['10.1.0.0/16', '2001:db8:5::/48', '192.0.2.1'];
  const as = (remoteAddress: string, forwarded: string) =>
    decision({}, { remoteAddress, headers: { 'x-forwarded-for': forwarded } });

  /** Whom a request that is refused was counted for. */
  async function clientOf(remoteAddress: string, forwarded: string): Promise<unknown> {
    const api = anApi(limitedTo(0.001, 0, { trustedProxies: proxies }));
    await statuses(api, times(2, as(remoteAddress, forwarded)));
    return api.log.lines.find(({ message }) => message === 'rate_limit')?.fields.client;
  }

  it.each([
    ['a proxy of a network', '10.1.2.3', '203.0.113.7', '203.0.113.7'],
    ['a proxy of an IPv6 network', '2001:db8:5:1::9', '203.0.113.7', '203.0.113.7'],
    ['a proxy that is seen through an IPv6 socket', '::ffff:10.1.2.3', '203.0.113.7', '203.0.113.7'],
    ['a proxy, of a client with IPv6', '192.0.2.1', '2001:db8:1:2::3', '2001:db8:1:2::/64'],
    ['two proxies', '10.1.2.3', '203.0.113.7, 192.0.2.1', '203.0.113.7'],
    ['a proxy whose client made some up', '10.1.2.3', '1.2.3.4, 203.0.113.7', '203.0.113.7'],
    ['a client that is no proxy', '203.0.113.9', '1.2.3.4', '203.0.113.9'],
    ['a neighbour of the network', '10.2.0.1', '1.2.3.4', '10.2.0.1'],
    ['an IPv6 client that is no proxy', '2001:db8:6::1', '1.2.3.4', '2001:db8:6:0::/64'],
  ])('from %s', async (_case, remoteAddress, forwarded, client) => {
    expect(await clientOf(remoteAddress, forwarded)).toBe(client);
  });

  it('is not heard where no proxy is trusted: a new one for each request is of no use', async () => {
    const api = anApi(limitedTo(1));
    expect(await statuses(api, [as('203.0.113.9', '1.1.1.1'), as('203.0.113.9', '2.2.2.2')])).toEqual([200, 429]);
  });
});

describe('too much to do', () => {
  const ids = Array.from({ length: 257 }, (_, index) => `slo-${index}`);
  const forcedOf = (sloID: string) => decision({ sloID, forceFresh: true });

  function slowApi() {
    const api = anApi({ slos: ids.map((id) => anSlo({ id })) });
    const answers: ((served: Served) => void)[] = [];
    api.decisions.onEvaluate(() => new Promise((resolve) => void answers.push(resolve)));
    const finish = () => {
      for (const answer of answers) answer({ evaluation: anEvaluation(), ageMs: 0, audited: true });
    };
    return { api, finish };
  }

  it('of forced evaluations is answered 503 at once, while all else is answered, and never with an older ALLOW', async () => {
    const { api, finish } = slowApi();
    await api.app.ready();
    const [last = '', ...others256] = ids;
    const waiting = others256.map((id) => begin(api, forcedOf(id)));
    await eventually(() => expect(api.decisions.asked).toHaveLength(256));
    const refused = await api.app.inject(forcedOf(last));
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([503, '1']);
    expect(refused.json()).toMatchObject({ code: 'overloaded' });
    expect(refused.body).not.toContain('ALLOW');
    // Who asks for what is being evaluated waits for the same answer.
    const joined = times(50, 'slo-1').map((id) => begin(api, forcedOf(id)));
    await eventually(() => expect(api.decisions.asked).toHaveLength(306));
    const others = [
      decision({ sloID: last }),
      { url: '/healthz' },
      { url: '/readyz' },
      { url: '/v1/slo' },
      { url: '/metrics' },
    ];
    expect(await statuses(api, others)).toEqual(times(5, 200));
    finish();
    expect(new Set(await Promise.all([...waiting, ...joined]))).toEqual(new Set([200]));
    expect(api.app.limits.refused()).toEqual({ requests: 0, forced: 0, overload: 1 });
    const after = begin(api, forcedOf(last));
    await eventually(() => expect(api.decisions.asked).toHaveLength(307));
    finish();
    expect(await after).toBe(200);
  });

  const aMetrics = () => ({
    onAnswered: () => undefined,
    performance: () => {
      throw new Error('not asked for here');
    },
    read: () => Promise.resolve([]),
  });

  it.each([
    ['/v1/audit', 32],
    ['/metrics', 64],
  ])('of %s is more than %d at once; the others wait for nothing', async (url, atOnce) => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const api = anApi({
      deps: {
        audit: {
          page: () => held.then(() => Buffer.from('{}')),
          giveBack: () => undefined,
          get: () => Promise.resolve(null),
        },
        metrics: {
          ...aMetrics(),
          text: () => held.then(() => ({ contentType: 'text/plain', body: Buffer.from('a 1\n') })),
        },
      },
    });
    await api.app.ready();
    const waiting = times(atOnce, { url }).map((request) => begin(api, request));
    for (const method of ['GET', 'HEAD'] as const) {
      expect((await api.app.inject({ method, url })).statusCode).toBe(503);
    }
    expect(await statuses(api, [decision(), { url: '/healthz' }])).toEqual([200, 200]);
    release();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([200]));
    expect((await api.app.inject(url)).statusCode).toBe(200);
  });

  it('of /metrics is over when the answer is made: who does not read it keeps nobody out, and holds 64 MiB at most', async () => {
    const body = Buffer.alloc(12_000_000, '#\n'); // more than the kernel takes of an answer that nobody reads
    const api = anApi({
      deps: { metrics: { ...aMetrics(), text: () => Promise.resolve({ contentType: 'text/plain', body }) } },
    });
    onTestFinished(() => api.app.close());
    const port = await listen(api.app);
    const clients = Array.from({ length: 64 }, () => connect(port, '127.0.0.1'));
    onTestFinished(() => clients.forEach((client) => client.destroy()));
    await Promise.all(
      clients.map(async (client) => {
        client.on('error', () => undefined); // it is let go
        client.write('GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n');
        await once(client, 'readable');
      }),
    );
    expect((await api.app.inject({ method: 'HEAD', url: '/metrics' })).statusCode).toBe(200);
    const connections = promisify(api.app.server.getConnections.bind(api.app.server));
    await eventually(async () => expect(await connections()).toBeLessThanOrEqual(5));
  });
});

describe('pages', () => {
  it('have a full policy, the API two fixed headers', async () => {
    const { app } = anApi();
    const page = (await app.inject('/docs/')).headers;
    expect(page).toMatchObject({
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'permissions-policy': expect.stringContaining('camera=()') as unknown,
      'content-security-policy': expect.stringContaining("frame-ancestors 'none'") as unknown,
    });
    expect(page).not.toHaveProperty('strict-transport-security');
    const answer = (await app.inject(decision())).headers;
    expect(answer).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
    expect(answer).not.toHaveProperty('x-frame-options');
  });
});

describe('headers', () => {
  it('beyond a hundred are refused, rather than dropped in silence', async () => {
    const { app } = anApi();
    const many = Object.fromEntries(Array.from({ length: 110 }, (_, index) => [`x-${index}`, 'y']));
    const answer = await app.inject({ url: '/healthz', headers: many });
    expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([431, 'headers_too_large']);
  });
});

import { readFileSync } from 'node:fs';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { InjectOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newToken } from '../../src/access/api-key.ts';
import { adminSocketUser } from '../../src/access/open-access.ts';
import type { AccessControl } from '../../src/access/ports.ts';
import { AegisError } from '../../src/errors.ts';
import type { CircuitBreaker } from '../../src/eval/source-control.ts';
import { anApi, type TestApi } from '../support/api.ts';
import { aMeasurement, anEvaluation, noon } from '../support/evaluation.ts';
import { aHealthReport, aSystemReport } from '../support/fake-health.ts';
import { aFileInError } from '../support/fake-catalogue.ts';
import { fakeOrders } from '../support/fake-orders.ts';
import { keyedAccess, type KeyedAccess } from '../support/keyed-access.ts';
import { anSlo } from '../support/slo.ts';

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters?: unknown;
  readonly security?: readonly object[];
  readonly responses: Readonly<
    Record<string, { readonly headers?: object; readonly content?: Readonly<Record<string, { schema: object }>> }>
  >;
}

interface Description {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const evaluation = anEvaluation();
const row = { evaluationId: 'old-row', sloId: 'a', decision: 'WARN', reasons: [], evaluatedAtMs: noon } as const;

const page = {
  records: [
    {
      ...{ id: 1, evaluationID: evaluation.id, sloID: 'a', service: 'b', environment: 'c', decision: 'WARN' },
      ...{ sli: null, errorRate: null, budgetRemaining: null, isStale: false, hasNoTraffic: false },
      ...{ reasons: ['data is stale'], reasonCodes: ['stale'], burnRates: { '5m': { burnRate: null, threshold: 14 } } },
      ...{ timestamp: '2026-11-20T12:00:00.000Z', createdAt: '2026-11-20T12:00:00.001Z' },
    },
  ],
  total: 1,
  nextCursor: null,
};

/** Takes orders from everybody. */
const operator: AccessControl = {
  openMetrics: true,
  asksForKey: false,
  identify: () => ({ kind: 'identified', identity: adminSocketUser }),
};

const breaker: CircuitBreaker = {
  trip: () => undefined,
  reset: () => undefined,
  status: () => ({ state: 'tripped', sinceMs: noon, refused: 3, reason: 'tripped by an order' }),
};

const servedPage = {
  records: [
    {
      ...{ id: 'a', timestamp: '2026-11-20T12:00:00.000Z', sloID: 'a', decision: 'ALLOW', evaluationID: 'b' },
      ...{ forced: true, caller: 'ci', address: '127.0.0.1', requestId: 'deploy-42' },
      ...{ count: 2, lastTimestamp: '2026-11-20T12:00:00.100Z' },
      ...{ requestIds: ['deploy-42', 'deploy-43'], offsetsMs: [0, 100] },
    },
  ],
  total: 1,
  nextCursor: 'more',
};

const ordersPage = {
  records: [
    {
      ...{
        id: 'a',
        timestamp: '2026-11-20T12:00:00.000Z',
        order: 'POST /admin/log-level',
        parameters: { level: 'debug' },
      },
      ...{ outcome: 'log level debug', caller: 'ops', address: '127.0.0.1', requestId: 'change-7' },
    },
  ],
  total: 1,
  nextCursor: null,
};

function healthy(): TestApi {
  const orders = { ...fakeOrders(), breakers: new Map([['prometheus', breaker]]) };
  const api = anApi({ filesInError: [aFileInError('bad.yaml')], deps: { access: operator, orders } });
  api.decisions.set(evaluation);
  api.audit.store({ ...row, evidenceJson: '{}', documentJson: null, specHash: null });
  api.audit.answer(JSON.stringify(page));
  api.audit.answer(JSON.stringify(servedPage), 'decisions');
  api.audit.answer(JSON.stringify(ordersPage), 'orders');
  return api;
}

/** Everything that it asks throws, as a bug would. */
function broken(): TestApi {
  let isBroken = false;
  const fail = () => {
    if (isBroken) throw new Error('a bug');
    return { ...anApi().catalogue.current(), slos: new Map() };
  };
  const failBreaker = () => {
    fail();
    return breaker.status();
  };
  const failLater = () => Promise.reject(new Error('a bug'));
  const api = anApi({
    slos: [],
    deps: {
      access: operator,
      orders: {
        reload: failLater,
        setRateLimit: fail,
        setLogLevel: fail,
        drain: fail,
        breakers: new Map([['prometheus', { ...breaker, trip: fail, reset: fail, status: failBreaker }]]),
      },
      profile: failLater,
      catalogue: { current: fail, onChange: () => () => undefined, reload: failLater },
      audit: { page: failLater, giveBack: fail, get: failLater },
      activity: { decisions: failLater, orders: failLater, giveBack: fail },
      exporter: { evaluations: failLater, decisions: failLater, orders: failLater },
      metrics: {
        text: failLater,
        onAnswered: () => undefined,
        performance: () => {
          throw new Error('a bug');
        },
        read: failLater,
      },
      health: () => {
        fail();
        return aHealthReport();
      },
      system: () => {
        fail();
        return aSystemReport();
      },
    },
  });
  isBroken = true;
  return api;
}

function failing(): TestApi {
  const slo = anSlo();
  const failure = { role: 'total', reason: 'timeout', detail: 'no answer in 8s', attempts: 2 } as const;
  const measurement = aMeasurement(
    slo,
    { '*': { state: 'failed', failure }, '5m': { state: 'noData', cause: 'NaN' } },
    { freshness: { state: 'failed', failure }, points: { state: 'failed', failure }, clockSkewMs: null },
  );
  const api = anApi({ slos: [slo], isFresh: true, deps: { health: () => aHealthReport('down') } });
  api.decisions.set({ ...anEvaluation({ slo, measurement }), id: 'failed' });
  return api;
}

const ask = (payload: string): InjectOptions => ({ method: 'POST', url: '/v1/gate/decision', payload });
const order = (words: string) => ({ method: 'POST', url: `/admin/${words}` }) as const;
const long = 'x'.repeat(600);

/** Its profiler is taken. */
function profiled(): TestApi {
  const profile = () => Promise.reject(new AegisError('profile_running', 'a cpu profile is being taken'));
  return anApi({ deps: { access: operator, profile } });
}

const apis = { healthy, failing, broken, profiled, fresh: () => anApi({ isFresh: true }) };

const cases: readonly (readonly [api: keyof typeof apis, path: string, request: InjectOptions, status: number])[] = [
  ['healthy', '/v1/gate/decision', ask('{"sloID":"api-availability"}'), 200],
  ['healthy', '/v1/gate/decision', ask('{"sloID":"api-availability","forceFresh":true,"more":1}'), 200],
  ['failing', '/v1/gate/decision', ask('{"sloID":"api-availability"}'), 200],
  ['healthy', '/v1/gate/decision', ask('{'), 400],
  ['healthy', '/v1/gate/decision', ask('{"sloID":"nope"}'), 404],
  ['healthy', '/v1/gate/decision', ask(`"${'x'.repeat(70_000)}"`), 413],
  ['broken', '/v1/gate/decision', ask('{"sloID":"nope"}'), 500],
  ['healthy', '/v1/slo', { url: '/v1/slo' }, 200],
  ['broken', '/v1/slo', { url: '/v1/slo' }, 500],
  ['healthy', '/v1/decisions', { url: '/v1/decisions' }, 200],
  ['failing', '/v1/decisions', { url: '/v1/decisions?limit=1' }, 200],
  ['fresh', '/v1/decisions', { url: '/v1/decisions' }, 200],
  ['healthy', '/v1/decisions', { url: '/v1/decisions?decision=allow' }, 400],
  ['broken', '/v1/decisions', { url: '/v1/decisions' }, 500],
  ['healthy', '/v1/slo/{id}', { url: '/v1/slo/api-availability' }, 200],
  ['healthy', '/v1/slo/{id}', { url: '/v1/slo/nope' }, 404],
  ['healthy', '/v1/slo/{id}', { url: `/v1/slo/${long}` }, 414],
  ['broken', '/v1/slo/{id}', { url: '/v1/slo/nope' }, 500],
  ['healthy', '/v1/state/{service}/{env}', { url: '/v1/state/api-gateway/production' }, 200],
  ['failing', '/v1/state/{service}/{env}', { url: '/v1/state/api-gateway/production' }, 200],
  ['healthy', '/v1/state/{service}/{env}', { url: '/v1/state/a/b' }, 404],
  ['healthy', '/v1/state/{service}/{env}', { url: `/v1/state/a/${long}` }, 414],
  ['broken', '/v1/state/{service}/{env}', { url: '/v1/state/a/b' }, 500],
  ['healthy', '/v1/audit', { url: '/v1/audit?limit=1' }, 200],
  ['healthy', '/v1/audit', { url: '/v1/audit?limit=0' }, 400],
  ['healthy', '/v1/audit', { url: '/v1/audit' }, 503],
  ['broken', '/v1/audit', { url: '/v1/audit' }, 500],
  ...['/v1/audit/decisions', '/v1/audit/orders'].flatMap(
    (path) =>
      [
        ['healthy', path, { url: `${path}?limit=1` }, 200],
        ['healthy', path, { url: `${path}?limit=0` }, 400],
        ['healthy', path, { url: path }, 503],
        ['broken', path, { url: path }, 500],
      ] as const,
  ),
  ...['/v1/audit/export', '/v1/audit/decisions/export', '/v1/audit/orders/export'].flatMap(
    (path) =>
      [
        ['healthy', path, { url: path }, 200],
        ['healthy', path, { url: `${path}?format=csv` }, 200],
        ['healthy', path, { url: `${path}?format=xml` }, 400],
        ['healthy', path, { url: path }, 503],
        ['broken', path, { url: path }, 500],
      ] as const,
  ),
  ['healthy', '/v1/evaluations/{id}', { url: `/v1/evaluations/${evaluation.id}` }, 200],
  ['healthy', '/v1/evaluations/{id}', { url: '/v1/evaluations/old-row' }, 200],
  ['failing', '/v1/evaluations/{id}', { url: '/v1/evaluations/failed' }, 200],
  ['healthy', '/v1/evaluations/{id}', { url: '/v1/evaluations/nope' }, 404],
  ['healthy', '/v1/evaluations/{id}', { url: `/v1/evaluations/${long}` }, 414],
  ['healthy', '/v1/evaluations/{id}', { url: '/v1/evaluations/nope' }, 503],
  ['broken', '/v1/evaluations/{id}', { url: '/v1/evaluations/nope' }, 500],
  ['healthy', '/v1/status', { url: '/v1/status' }, 200],
  ['broken', '/v1/status', { url: '/v1/status' }, 500],
  ['healthy', '/healthz', { url: '/healthz' }, 200],
  ['healthy', '/readyz', { url: '/readyz' }, 200],
  ['fresh', '/readyz', { url: '/readyz' }, 503],
  ['healthy', '/healthz/comprehensive', { url: '/healthz/comprehensive' }, 200],
  ['failing', '/healthz/comprehensive', { url: '/healthz/comprehensive' }, 503],
  ['broken', '/healthz/comprehensive', { url: '/healthz/comprehensive' }, 500],
  ['healthy', '/metrics/system', { url: '/metrics/system' }, 200],
  ['broken', '/metrics/system', { url: '/metrics/system' }, 500],
  ['healthy', '/metrics', { url: '/metrics' }, 200],
  ['broken', '/metrics', { url: '/metrics' }, 500],
  ['healthy', '/metrics/performance', { url: '/metrics/performance' }, 200],
  ['broken', '/metrics/performance', { url: '/metrics/performance' }, 500],
  ['healthy', '/stats', { url: '/stats' }, 200],
  ['broken', '/stats', { url: '/stats' }, 500],
  ['healthy', '/openapi.json', { url: '/openapi.json' }, 200],
  ['healthy', '/admin/reload', order('reload'), 200],
  ['healthy', '/admin/rate-limit', order('rate-limit?ops_per_sec=5'), 200],
  ['healthy', '/admin/rate-limit', order('rate-limit?ops_per_sec=x'), 400],
  ['healthy', '/admin/log-level', order('log-level?level=debug'), 200],
  ['healthy', '/admin/log-level', order('log-level?level=loud'), 400],
  ['healthy', '/admin/circuit-breaker/trip', order('circuit-breaker/trip?service=prometheus'), 200],
  ['healthy', '/admin/circuit-breaker/trip', order('circuit-breaker/trip'), 400],
  ['healthy', '/admin/circuit-breaker/trip', order('circuit-breaker/trip?service=x'), 404],
  ['healthy', '/admin/circuit-breaker/reset', order('circuit-breaker/reset?service=prometheus'), 200],
  ['healthy', '/admin/circuit-breaker/reset', order('circuit-breaker/reset'), 400],
  ['healthy', '/admin/circuit-breaker/reset', order('circuit-breaker/reset?service=x'), 404],
  ['healthy', '/admin/circuit-breaker/status', { url: '/admin/circuit-breaker/status' }, 200],
  ['healthy', '/admin/drain', order('drain'), 200],
  ['healthy', '/admin/drain', { method: 'DELETE', url: '/admin/drain' }, 200],
  ['healthy', '/admin/profile/cpu', order('profile/cpu?seconds=60'), 200],
  ['healthy', '/admin/profile/cpu', order('profile/cpu?seconds=61'), 400],
  ['profiled', '/admin/profile/cpu', order('profile/cpu'), 409],
  ['healthy', '/admin/profile/heap', order('profile/heap'), 200],
  ['healthy', '/admin/profile/heap', order('profile/heap?seconds=0'), 400],
  ['profiled', '/admin/profile/heap', order('profile/heap'), 409],
  ...[
    order('profile/cpu'),
    order('profile/heap'),
    order('reload'),
    order('rate-limit?ops_per_sec=5'),
    order('log-level?level=debug'),
    order('circuit-breaker/trip?service=prometheus'),
    order('circuit-breaker/reset?service=prometheus'),
    { url: '/admin/circuit-breaker/status' },
    order('drain'),
  ].map((request) => ['broken', request.url.replace(/\?.*/, ''), request, 500] as const),
];

/** A copy of a schema in which objects have no other properties than those it names: what is answered is described. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const properties: unknown = copy.properties;
  const isOpen = typeof properties !== 'object' || properties === null || Object.keys(properties).length === 0;
  return isOpen ? copy : { additionalProperties: false, ...copy };
}

let keyed: KeyedAccess;
let description: Description;
let keyedDescription: Description;
afterAll(() => keyed.close());
beforeAll(async () => {
  keyed = await keyedAccess({ narrow: { scopes: ['read'], slos: ['others-*'] }, decider: { scopes: ['decide'] } });
  keyedDescription = (await anApi({ deps: { access: keyed.access } }).app.inject('/openapi.json')).json();
  description = (await healthy().app.inject('/openapi.json')).json();
});

describe('/openapi.json', () => {
  it('is OpenAPI 3.1, every operation with an id and a summary', () => {
    expect(description.openapi).toMatch(/^3\.1\./);
    const operations = Object.values(description.paths).flatMap((path) => Object.values(path));
    expect(operations.length).toBeGreaterThan(9);
    for (const { operationId, summary } of operations) expect([operationId, summary]).not.toContain(undefined);
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
  });

  it.each(cases)('describes the answer (%#) of the %s API for %s', async (name, path, request, status) => {
    const api = apis[name]();
    if (status === 503) api.audit.breakDown();
    const answer = await api.app.inject(request);
    expect(answer.statusCode).toBe(status);
    const operation = description.paths[path]?.[(request.method ?? 'GET').toLowerCase()];
    const content = operation?.responses[String(status)]?.content ?? {};
    const type = String(answer.headers['content-type']).replace(/;.*/, '');
    expect(Object.keys(content)).toContain(type);
    const ajv = new Ajv2020.default({ strict: false });
    addFormats.default(ajv);
    const validate = ajv.compile(closed(content[type]?.schema) as object);
    validate(type === 'application/json' ? answer.json() : answer.body);
    expect(validate.errors).toBeNull();
    const described = Object.keys(operation?.responses[String(status)]?.headers ?? {});
    const ofHttp = ['connection', 'content-length', 'content-type', 'date', 'keep-alive', 'transfer-encoding'];
    expect(Object.keys(answer.headers).filter((header) => !ofHttp.includes(header))).toEqual(
      expect.arrayContaining(described.filter((header) => header !== 'retry-after')),
    );
    expect(Object.keys(answer.headers).filter((header) => ![...ofHttp, ...described].includes(header))).toEqual([]);
  });

  it('describes how every route refuses who has no key, a wrong one, or one too many', async () => {
    const { app } = anApi({ deps: { access: keyed.access } });
    const wrong = newToken('nobody');
    const shown: Record<string, (string | undefined)[]> = {
      401: [undefined],
      403: [keyed.tokenOf('narrow'), keyed.tokenOf('decider')],
      429: [wrong],
    };
    for (const [path, item] of Object.entries(keyedDescription.paths))
      for (const [method, { responses, security }] of Object.entries(item)) {
        if (security === undefined) continue;
        expect(security).toContainEqual({ bearer: [expect.any(String)] });
        const request = { method: method.toUpperCase() as 'GET', url: path.replaceAll(/{\w+}/g, 'x') };
        const from = (key: string | undefined) =>
          app.inject({ ...request, remoteAddress: '10.0.0.9', headers: key === undefined ? {} : { 'x-api-key': key } });
        for (let count = 0; count < 20; count += 1) await from(wrong);
        for (const [status, keys] of Object.entries(shown)) {
          if (['/v1/slo', '/v1/decisions'].includes(path) && status === '403') continue; // each sees what it may see
          const answers = await Promise.all(keys.map(from));
          const answer = answers.find(({ statusCode }) => statusCode === Number(status));
          if (answer === undefined) throw new Error(`${method} ${path} does not answer ${status}`);
          const described = responses[status];
          const validate = new Ajv2020.default({ strict: false }).compile(
            closed(described?.content?.['application/json']?.schema) as object,
          );
          validate(answer.json());
          expect(validate.errors).toBeNull();
          // Those of a rate limit are shown where there is one (limits.test.ts).
          const ownHeaders = Object.keys(described?.headers ?? {}).filter((name) => !name.startsWith('ratelimit-'));
          for (const header of ownHeaders) expect(answer.headers).toHaveProperty(header);
        }
      }
  });

  it('describes how every route refuses while nobody can tell whether a token is valid', async () => {
    const gone = { kind: 'refused', reason: 'unavailable', message: 'ask again', retryAfterS: 10 } as const;
    const { app } = anApi({ deps: { access: { ...keyed.access, identify: () => Promise.resolve(gone) } } });
    for (const [path, item] of Object.entries(keyedDescription.paths))
      for (const [method, { responses, security }] of Object.entries(item)) {
        if (security === undefined) continue;
        const answer = await app.inject({ method: method.toUpperCase() as 'GET', url: path.replaceAll(/{\w+}/g, 'x') });
        expect([path, answer.statusCode, responses]).toEqual([
          path,
          503,
          expect.objectContaining({ 503: expect.anything() as unknown }),
        ]);
        expect(answer.json()).toMatchObject({ code: 'issuer_unavailable' });
        expect(answer.headers['retry-after']).toBe('10');
      }
  });

  it('promises no answer that is not shown here', () => {
    const promised = Object.entries(description.paths).flatMap(([path, operations]) =>
      Object.values(operations).flatMap(({ responses }) => Object.keys(responses).map((status) => `${path} ${status}`)),
    );
    const shown = new Set(cases.map(([, path, , status]) => `${path} ${status}`));
    // Refusals of those who may not are shown above, for every route that asks for a key.
    const isRefusal = (promise: string) => /(40[13]|429)$/.test(promise) || isIssuerGone(promise);
    const isIssuerGone = (promise: string) => promise.endsWith(' 503') && asked.has(promise.slice(0, -4));
    const asked = new Set(
      Object.entries(keyedDescription.paths).flatMap(([path, item]) =>
        Object.values(item).some(({ security }) => security !== undefined) ? [path] : [],
      ),
    );
    // These answer with what is known already, and have nothing that could fail.
    const cannotFail = ['/healthz 500', '/openapi.json 500', '/readyz 500'];
    // Shown in limits.test.ts, where there is too much to do.
    const overloaded = ['/metrics', '/metrics/performance', '/openapi.json', '/v1/gate/decision'];
    for (const path of overloaded) shown.add(`${path} 503`);
    expect(promised.filter((promise) => !shown.has(promise) && !isRefusal(promise)).sort()).toEqual(cannotFail);
  });

  it('describes every route', () => {
    const operations = Object.entries(description.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method} ${path}`),
    );
    expect(operations.sort()).toEqual([
      'delete /admin/drain',
      'get /admin/circuit-breaker/status',
      'get /healthz',
      'get /healthz/comprehensive',
      'get /metrics',
      'get /metrics/performance',
      'get /metrics/system',
      'get /openapi.json',
      'get /readyz',
      'get /stats',
      'get /v1/audit',
      'get /v1/audit/decisions',
      'get /v1/audit/decisions/export',
      'get /v1/audit/export',
      'get /v1/audit/orders',
      'get /v1/audit/orders/export',
      'get /v1/decisions',
      'get /v1/evaluations/{id}',
      'get /v1/slo',
      'get /v1/slo/{id}',
      'get /v1/state/{service}/{env}',
      'get /v1/status',
      'post /admin/circuit-breaker/reset',
      'post /admin/circuit-breaker/trip',
      'post /admin/drain',
      'post /admin/log-level',
      'post /admin/profile/cpu',
      'post /admin/profile/heap',
      'post /admin/rate-limit',
      'post /admin/reload',
      'post /v1/gate/decision',
    ]);
  });

  it('has no route that docs/api.md does not name', () => {
    const docs = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8');
    expect(Object.keys(description.paths).filter((path) => !docs.includes(`${path}\``))).toEqual([]);
  });

  it('describes the parameters of the audit', () => {
    const parameters: unknown = description.paths['/v1/audit']?.get?.parameters;
    expect(parameters).toContainEqual({
      in: 'query',
      name: 'limit',
      required: false,
      description: 'a whole number from 1 to 1000',
      schema: { type: 'string', pattern: '^(?:[1-9][0-9]{0,2}|1000)$' },
    });
  });
});

describe('/docs', () => {
  it('is a page that needs nothing from elsewhere', async () => {
    const { app } = healthy();
    const html = await app.inject('/docs');
    expect(html.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(html.headers['content-security-policy']).toContain("default-src 'self'");
    const links = [...html.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link ?? '');
    expect(links.length).toBeGreaterThan(3);
    for (const link of links) expect([link, (await app.inject(link)).statusCode]).toEqual([link, 200]);
    expect(html.body).not.toMatch(/<script>|https?:/);
    const described = await app.inject('/docs/json');
    expect(described.json()).toEqual(description);
  });

  it('is not sent again to a browser that has it, and has a HEAD', async () => {
    const { app } = healthy();
    const url = '/docs/static/swagger-ui.css';
    const sent = await app.inject(url);
    expect(sent.headers['content-length']).toBe(String(sent.rawPayload.length));
    const again = await app.inject({ url, headers: { 'if-none-match': String(sent.headers.etag) } });
    expect([again.statusCode, again.rawPayload.length]).toEqual([304, 0]);
    const head = await app.inject({ method: 'HEAD', url });
    expect([head.statusCode, head.rawPayload.length]).toEqual([200, 0]);
    expect(head.headers['content-length']).toBe(sent.headers['content-length']);
  });

  it("leaves the other routes' headers alone", async () => {
    const answer = await healthy().app.inject('/healthz');
    expect(answer.headers).not.toHaveProperty('content-security-policy');
  });
});

import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { newToken } from '../../src/access/api-key.ts';
import { anApi, type TestApiOptions } from '../support/api.ts';
import { keyedAccess, type KeyedAccess, type KeyFields } from '../support/keyed-access.ts';

let keyed: KeyedAccess | undefined;
afterEach(async () => {
  await keyed?.close();
  keyed = undefined;
});

const someKeys = {
  reader: { scopes: ['read'] },
  pipeline: { scopes: ['decide'] },
  old: { scopes: ['decide'], expires: '2026-01-01T00:00:00Z' },
  gone: { scopes: ['decide'], revoked: '2026-11-02T00:00:00Z' },
};

async function start(entries: Readonly<Record<string, KeyFields>> = someKeys, options: TestApiOptions = {}) {
  const { access, tokenOf } = (keyed = await keyedAccess(entries));
  const api = anApi({ ...options, deps: { access, ...options.deps } });
  const ask = (headers: Record<string, string>, url = '/v1/state/api-gateway/production', remoteAddress = '10.0.0.1') =>
    api.app.inject({ url, headers, remoteAddress });
  const failures = () => api.log.lines.filter(({ message }) => message === 'auth_failed');
  return { ...api, access, tokenOf, ask, failures };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('a key', () => {
  it('is taken in either header, and in both where they are the same', async () => {
    const { ask, tokenOf } = await start();
    const token = tokenOf('pipeline');
    const shown = [bearer(token), { authorization: `bearer  ${token}` }, { 'x-api-key': token }];
    for (const headers of [...shown, { ...bearer(token), 'x-api-key': token }])
      expect((await ask(headers)).statusCode).toBe(200);
    // What a proxy asks for by itself does not count.
    expect((await ask({ authorization: 'Basic cHJveHk6cHc=', 'x-api-key': token })).statusCode).toBe(200);
  });

  it.each([
    ['missing', () => ({}), 'an API key or token is needed'],
    ['malformed', () => ({ authorization: 'Basic cHJveHk6cHc=' }), 'Authorization is not "Bearer TOKEN"'],
    ['malformed', () => ({ authorization: 'Bearer' }), 'Authorization is not "Bearer TOKEN"'],
    ['malformed', () => bearer('hunter2'), 'this is not an API key'],
    ['malformed', () => ({ 'x-api-key': 'a'.repeat(4000) }), 'this is not an API key'],
    ['malformed', () => bearer('eyJhbGciOiJub25lIn0.e30.'), 'this is not an API key'],
    ['malformed', (of: TokenOf) => ({ ...bearer(of('reader')), 'x-api-key': of('pipeline') }), 'differ: send one'],
    ['unknown', () => bearer(newToken('nobody')), 'no such API key'],
    ['unknown', () => bearer(newToken('pipeline')), 'no such API key'],
    [
      'unknown',
      (of: TokenOf) => bearer(of('old').slice(0, -1) + (of('old').endsWith('A') ? 'B' : 'A')),
      'no such API key',
    ],
    ['expired', (of: TokenOf) => bearer(of('old')), 'has expired'],
    ['revoked', (of: TokenOf) => bearer(of('gone')), 'was revoked'],
  ])('%s is 401 (%#)', async (reason, headersOf, message) => {
    const { ask, tokenOf, failures, access } = await start();
    const answer = await ask(headersOf(tokenOf));
    expect(answer.statusCode).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expect(answer.json()).toMatchObject({ code: 'unauthorized', error: expect.stringContaining(message) as unknown });
    const route = 'GET /v1/state/:service/:env';
    const fields = { reason, address: '10.0.0.1', route, request_id: answer.headers['x-request-id'] };
    expect(failures()).toMatchObject([{ level: 'warn', fields }]);
    expect(access.failures().get(reason as 'unknown')).toBe(1);
  });

  it('is refused before a body is read', async () => {
    const { app } = await start();
    const payload = 'x'.repeat(70_000);
    const answer = await app.inject({ method: 'POST', url: '/v1/gate/decision', payload });
    expect(answer.statusCode).toBe(401);
  });

  it('that is not needed is not looked at', async () => {
    const { ask, failures } = await start();
    for (const url of ['/healthz', '/readyz', '/openapi.json', '/docs'])
      expect((await ask(bearer('nonsense'), url)).statusCode).toBe(200);
    expect(failures()).toEqual([]);
  });
});

type TokenOf = (id: string) => string;

describe('an empty file of keys', () => {
  it('lets nobody in', async () => {
    const { ask } = await start({});
    expect((await ask({})).statusCode).toBe(401);
    expect((await ask({}, '/metrics')).statusCode).toBe(401);
    expect((await ask({}, '/healthz')).statusCode).toBe(200);
  });
});

describe('failures of one address', () => {
  const wrong = () => bearer(newToken('nobody'));

  it('are told to wait after twenty in a minute, while its valid keys and other addresses are served', async () => {
    const { ask, tokenOf, access } = await start();
    for (let count = 0; count < 20; count += 1) expect((await ask(wrong())).statusCode).toBe(401);
    const answer = await ask(wrong());
    expect(answer.statusCode).toBe(429);
    expect(answer.json()).toMatchObject({ code: 'rate_limited' });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(60);
    expect((await ask(bearer(tokenOf('pipeline')))).statusCode).toBe(200);
    expect((await ask({})).statusCode).toBe(401); // nothing was tried
    expect((await ask(wrong(), undefined, '10.0.0.2')).statusCode).toBe(401);
    expect(access.failures().get('too_many_failures')).toBe(1);
  });

  it('count for the whole /64 of an IPv6 address', async () => {
    const { ask } = await start();
    const statuses = [];
    for (let count = 0; count < 21; count += 1)
      statuses.push((await ask(wrong(), undefined, `2001:db8::${count + 1}`)).statusCode);
    expect(statuses.at(-1)).toBe(429);
    expect((await ask(wrong(), undefined, '2001:db8:0:1::1')).statusCode).toBe(401);
  });

  it('from everywhere do not fill the log', async () => {
    const { ask, failures } = await start();
    for (let count = 0; count < 500; count += 1) await ask(wrong(), undefined, `10.${randomBytes(3).join('.')}`);
    expect(failures().length).toBe(60);
  });
});

describe('scopes', () => {
  it('that are missing are named with whose they are, and with what would do', async () => {
    const { ask, tokenOf, app } = await start();
    const answer = await ask(bearer(tokenOf('pipeline')), '/v1/audit');
    expect(answer.statusCode).toBe(403);
    expect(answer.json()).toMatchObject({ code: 'forbidden', error: 'pipeline does not have the scope read' });
    const order = await app.inject({ method: 'POST', url: '/admin/drain', headers: bearer(tokenOf('reader')) });
    expect(order.json()).toMatchObject({ error: 'reader does not have the scope admin' });
  });
});

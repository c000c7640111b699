import { METHODS } from 'node:http';
import type { InjectOptions } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { anApi, listen, rawClient, type TestApi } from '../support/api.ts';
import { eventually } from '../support/eventually.ts';

const gets = [
  '/v1/slo',
  '/v1/slo/api-availability',
  '/v1/state/api-gateway/production',
  '/v1/audit',
  '/v1/evaluations/x',
  '/v1/status',
  '/healthz',
  '/readyz',
  '/metrics',
  '/openapi.json',
  '/docs',
  '/docs/',
];

// inject knows only the methods of its own list, a socket knows all.
const injectable = METHODS.filter((method) => method !== 'CONNECT' && method !== 'QUERY') as NonNullable<
  InjectOptions['method']
>[];

let api: TestApi | undefined;
afterEach(async () => {
  await api?.app.close();
  api = undefined;
});

describe('a known path', () => {
  it.each(gets)('%s answers HEAD as GET, without a body', async (url) => {
    const { app } = anApi();
    const [get, head] = [await app.inject(url), await app.inject({ method: 'HEAD', url })];
    expect(head.statusCode).toBe(get.statusCode);
    expect(head.headers['content-type']).toBe(get.headers['content-type']);
    expect(head.headers['content-length']).toBe(get.headers['content-length']);
    expect(head.body).toBe('');
  });

  it.each(gets)('%s answers 405 with Allow to every other method', async (url) => {
    const { app } = anApi();
    for (const method of injectable.filter((method) => method !== 'GET' && method !== 'HEAD')) {
      const answer = await app.inject({ method, url, payload: '{half', headers: { 'content-type': 'no type' } });
      expect([method, answer.statusCode, answer.headers.allow]).toEqual([method, 405, 'GET, HEAD']);
      expect(answer.json()).toMatchObject({ code: 'method_not_allowed' });
    }
  });

  it('decisions are asked for by POST only', async () => {
    const { app } = anApi();
    for (const method of injectable.filter((method) => method !== 'POST')) {
      const answer = await app.inject({ method, url: '/v1/gate/decision' });
      expect([method, answer.statusCode, answer.headers.allow]).toEqual([method, 405, 'POST']);
    }
  });
});

describe('an error', () => {
  it.each(injectable)('404 answers %s to an unknown path, whatever the body', async (method) => {
    const answer = await anApi().app.inject({
      method,
      url: '/v2/nope?token=secret',
      payload: '{half',
      headers: { 'content-type': 'application/json' },
    });
    expect(answer.statusCode).toBe(404);
    if (method === 'HEAD') return;
    expect(answer.json()).toEqual({
      error: 'no such path: /v2/nope (docs at /docs)',
      code: 'unknown_path',
      requestId: answer.headers['x-request-id'],
    });
  });

  it.each([
    ['/v1/slo/%ZZ', 400, 'the path is not valid: see its percent-encoding'],
    ['/%', 400, 'the path is not valid: see its percent-encoding'],
    [`/v1/slo/${'x'.repeat(600)}`, 414, 'a part of the path is over 512 characters'],
    ['/docs/static/nope.js', 404, 'no such path: /docs/static/nope.js (docs at /docs)'],
    ['/docs/static/..%2f..%2fpackage.json', 404, 'no such path: '],
    ['/v1/gate/decision/', 404, 'no such path: '],
    ['//', 404, 'no such path: //'],
  ])('%s is told in our form', async (url, status, error) => {
    const { app, log } = anApi();
    const answer = await app.inject(url);
    expect(answer.statusCode).toBe(status);
    const body = answer.json<{ error: string; code: string; requestId: string }>();
    expect(body.error).toContain(error);
    expect(Object.keys(body)).toEqual(['error', 'code', 'requestId']);
    expect(body.requestId).toBe(answer.headers['x-request-id']);
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(log.lines.filter(({ message }) => message === 'request')).toHaveLength(1);
  });
});

describe('what is no valid HTTP', () => {
  it.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', 400, 'the request is not valid HTTP'],
    [
      'two lengths',
      'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      400,
      'not valid HTTP',
    ],
    [
      'headers without end',
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
      'the headers are too large',
    ],
    ['no host', 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'the header Host is required'],
  ])('%s is answered in our form', async (_case, bytes, status, error) => {
    api = anApi();
    const client = await rawClient(await listen(api.app));
    client.write(bytes);
    const text = await client.closed;
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    const [head = '', body = ''] = text.split('\r\n\r\n');
    const answer = JSON.parse(body) as { error: string; code: string; requestId: string };
    expect(answer.error).toContain(error);
    expect(answer.code).toBe('invalid_request');
    expect(head.toLowerCase()).toContain(`x-request-id: ${answer.requestId}`);
    expect(head.toLowerCase()).toContain('x-content-type-options: nosniff');
    expect(api.log.lines.filter(({ message }) => message === 'request')).toHaveLength(1);
  });

  it('has no way out of the pages, and no failure of the server', async () => {
    api = anApi();
    const client = await rawClient(await listen(api.app)); // inject would resolve the dots
    client.write('GET /docs/static/%2e%2e/%2e%2e/package.json HTTP/1.0\r\n\r\n');
    const text = await client.closed;
    expect(text).toMatch(/^HTTP\/1.1 404 /);
    expect(text).toContain('"code":"unknown_path"');
    expect(api.log.lines.map(({ message }) => message)).not.toContain('request failed');
  });

  it('does not hurt the next connection', async () => {
    api = anApi();
    const port = await listen(api.app);
    const bad = await rawClient(port);
    bad.write('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'); // the start of TLS
    await bad.closed;
    const good = await rawClient(port);
    good.write('GET /healthz HTTP/1.0\r\n\r\n');
    expect(await good.closed).toContain('{"status":"ok"}');
  });
});

describe('a body that is no JSON', () => {
  it('leaves the client its connection', async () => {
    api = anApi();
    const client = await rawClient(await listen(api.app));
    client.write('POST /v1/gate/decision HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nfoo=');
    expect(await client.received(/}$/)).toMatch(/^HTTP\/1.1 400 [^]*connection: keep-alive/i);
    client.write('GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(await client.closed).toContain('{"status":"ok"}');
  });
});

describe('a body that is too large', () => {
  const head = (length: number) => `POST /v1/gate/decision HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`;

  it('is refused before it is sent', async () => {
    api = anApi();
    const client = await rawClient(await listen(api.app));
    client.write(head(10_000_000_000));
    expect(await client.received(/}$/)).toMatch(/^HTTP\/1.1 413 /);
  });

  it('leaves the client its answer and its connection', async () => {
    api = anApi();
    const client = await rawClient(await listen(api.app));
    const bytes = 8_000_000;
    client.write(head(bytes) + 'x'.repeat(bytes));
    await client.received(/413 [^]*}$/);
    client.write('GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(await client.closed).toContain('{"status":"ok"}');
  });

  it('has one line in the log, also where the client leaves in its midst', async () => {
    api = anApi();
    const client = await rawClient(await listen(api.app));
    client.write(head(1_000_000) + '{');
    await client.received(/413 [^]*}$/);
    client.socket.end();
    await client.closed;
    const lines = api.log.lines.filter(({ level }) => level !== 'debug');
    expect(lines.map(({ fields }) => fields.status)).toEqual([413]);
  });

  it('is refused where it came in chunks of no announced length', async () => {
    api = anApi();
    const client = await rawClient(await listen(api.app));
    client.write('POST /v1/gate/decision HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    for (let chunk = 0; chunk < 70; chunk += 1) client.write(`400\r\n${'x'.repeat(1024)}\r\n`);
    client.write('0\r\n\r\n');
    expect(await client.received(/}$/)).toMatch(/^HTTP\/1.1 413 /);
    client.write('GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(await client.closed).toContain('{"status":"ok"}');
  });
});

describe('a client that is slow', () => {
  it('with its headers or its body is let go with 408', async () => {
    api = anApi();
    const port = await listen(api.app);
    const [headers, body] = [await rawClient(port), await rawClient(port)];
    headers.write('GET /healthz HTTP/1.1\r\nHo');
    body.write('POST /v1/gate/decision HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n{"slo');
    expect(await headers.closed).toMatch(/^HTTP\/1.1 408 [^]*"the request did not arrive in time"/);
    expect(await body.closed).toMatch(/^HTTP\/1.1 408 [^]*"the request did not arrive in time"/);
    const { log } = api;
    await eventually(() => {
      const lines = log.lines.filter(({ message }) => message === 'request');
      expect(lines.map(({ fields }) => fields.status)).toEqual([408, 408]);
    });
  });
});

import { afterEach, describe, expect, it } from 'vitest';
import { requestIdOf } from '../../src/api/request-line.ts';
import { anApi, listen, rawClient, type TestApi } from '../support/api.ts';
import { eventually } from '../support/eventually.ts';

let api: TestApi | undefined;
afterEach(async () => {
  await api?.app.close();
  api = undefined;
});

const requestLines = ({ log }: TestApi) => log.lines.filter(({ message }) => message === 'request');

describe('a request id', () => {
  it.each(['a', 'req-1_2.3:4', 'x'.repeat(128), '4bf92f3577b34da6a3ce929d0e0e4736', 'a+/=@b'])('%s is kept', (id) => {
    expect(requestIdOf({ headers: { 'x-request-id': id } })).toBe(id);
  });

  it.each(['', 'x'.repeat(129), 'a b', 'a"b', '<script>', 'é', 'a\tb'])('"%s" is replaced', (id) => {
    expect(requestIdOf({ headers: { 'x-request-id': id } })).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
  });

  it('stands in the answer and in the log', async () => {
    const { app, log } = anApi();
    const answer = await app.inject({ url: '/nope', headers: { 'x-request-id': 'deploy-42' } });
    expect(answer.headers['x-request-id']).toBe('deploy-42');
    expect(answer.json()).toMatchObject({ requestId: 'deploy-42' });
    expect(log.lines[0]?.fields.request_id).toBe('deploy-42');
  });
});

describe('the line of a request', () => {
  it('is one, at info, with what operators look for', async () => {
    api = anApi();
    const client = await rawClient(await listen(api.app));
    const url = '/v1/state/api-gateway/production?token=secret#x';
    client.write(`GET ${url} HTTP/1.1\r\nHost: a\r\nX-Request-Id: r1\r\nConnection: close\r\n\r\n`);
    await client.closed;
    expect(api.log.lines).toEqual([
      {
        level: 'info',
        message: 'request',
        fields: {
          component: 'api',
          request_id: 'r1',
          method: 'GET',
          path: '/v1/state/api-gateway/production',
          route: '/v1/state/:service/:env',
          status: 200,
          duration_ms: expect.any(Number) as number,
        },
      },
    ]);
    expect(api.answered).toEqual([
      { method: 'GET', route: '/v1/state/:service/:env', status: 200, durationMs: expect.any(Number) as number },
    ]);
  });

  it('holds no user and password of an absolute URL', async () => {
    api = anApi();
    const client = await rawClient(await listen(api.app));
    client.write('GET http://user:hunter2@gate/v1/slo?x=hunter2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await client.closed;
    expect(requestLines(api).map(({ fields }) => fields.path)).toEqual(['/v1/slo']);
    expect(JSON.stringify(api.log.lines)).not.toContain('hunter2');
  });

  it('is written where the client has gone before its answer', async () => {
    api = anApi();
    api.decisions.onEvaluate(() => new Promise(() => undefined));
    const client = await rawClient(await listen(api.app));
    const body = '{"sloID":"api-availability","forceFresh":true}';
    client.write(`POST /v1/gate/decision HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    const { decisions } = api;
    await eventually(() => expect(decisions.asked).toHaveLength(1));
    client.socket.destroy();
    const [line] = await eventually(() => {
      const lines = requestLines(api!);
      expect(lines).toHaveLength(1);
      return lines;
    });
    expect(line?.fields).toMatchObject({ status: 499, aborted: true, route: '/v1/gate/decision' });
  });

  it('counts a request of no route under none', async () => {
    api = anApi();
    await api.app.inject('/a/b/c');
    expect(api.answered).toMatchObject([{ route: 'none', status: 404 }]);
  });
});

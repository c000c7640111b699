import type { FastifyRequest } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { adminSocketUser } from '../../src/access/open-access.ts';
import type { RequestLog } from '../../src/api/deps.ts';
import { requestIdOf } from '../../src/api/request-line.ts';
import { systemClock } from '../../src/clock.ts';
import { anApi, listen, rawClient, type TestApi } from '../support/api.ts';
import { eventually } from '../support/eventually.ts';
import { createRecordingLog } from '../support/recording-log.ts';

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

/** Answers one request after another on a clock that the test sets. */
function sampledApi(ready: () => boolean) {
  let nowMs = 0;
  const clock = { ...systemClock, now: () => ({ wallMs: Date.now(), monotonicMs: nowMs }) };
  api = anApi({ draining: () => !ready(), deps: { clock } });
  return { api, wait: (ms: number) => (nowMs += ms) };
}

describe('health checks', () => {
  it('that succeed are logged once a minute, with how many were not', async () => {
    const { api, wait } = sampledApi(() => true);
    const levels = async (url: string) => {
      const before = api.log.lines.length;
      await api.app.inject(url);
      const [line] = await eventually(() => {
        const lines = api.log.lines.slice(before);
        expect(lines).toHaveLength(1);
        return lines;
      });
      return [line?.level, line?.fields.not_logged];
    };
    expect(await levels('/healthz')).toEqual(['info', 0]);
    expect(await levels('/healthz')).toEqual(['debug', undefined]);
    expect(await levels('/metrics')).toEqual(['info', 0]);
    wait(59_999);
    expect(await levels('/healthz')).toEqual(['debug', undefined]);
    wait(1);
    expect(await levels('/healthz')).toEqual(['info', 2]);
    expect(await levels('/v1/slo')).toEqual(['info', undefined]);
    expect(await levels('/v1/slo')).toEqual(['info', undefined]);
  });

  it('that fail are logged each time', async () => {
    const { api } = sampledApi(() => false);
    for (let i = 0; i < 3; i++) expect((await api.app.inject('/readyz')).statusCode).toBe(503);
    await eventually(() => expect(requestLines(api).map(({ level }) => level)).toEqual(['info', 'info', 'info']));
  });
});

describe('the level of a route', () => {
  const levelsOf = async (requestLog: RequestLog, url: string, times: number) => {
    api = anApi({ deps: { requestLog: () => requestLog } });
    for (let i = 0; i < times; i++) await api.app.inject(url);
    await eventually(() => expect(api?.answered).toHaveLength(times));
    return requestLines(api).map(({ level }) => level);
  };

  it('is the one that is set, also of health checks, which are then not sampled', async () => {
    const requestLog: RequestLog = new Map([
      ['/v1/slo/:id', 'warn'],
      ['/healthz', 'info'],
      ['none', 'debug'],
    ]);
    expect(await levelsOf(requestLog, '/v1/slo/api-availability', 1)).toEqual(['warn']);
    expect(await levelsOf(requestLog, '/healthz', 3)).toEqual(['info', 'info', 'info']);
    expect(await levelsOf(requestLog, '/nope', 1)).toEqual(['debug']);
    expect(await levelsOf(requestLog, '/v1/slo', 1)).toEqual(['info']);
  });

  it('off is no line, and still the one of a slow request', async () => {
    const requestLog: RequestLog = new Map([['/v1/slo', 'off']]);
    expect(await levelsOf(requestLog, '/v1/slo', 2)).toEqual([]);
    api = anApi({ deps: { requestLog: () => requestLog, slowRequestMs: () => -1 } });
    await api.app.inject('/v1/slo');
    await eventually(() => expect(api?.log.lines.map(({ message }) => message)).toEqual(['slow_request']));
  });

  it('where it is not written, nothing of the line is made', async () => {
    const log = { ...createRecordingLog(), writes: () => false };
    const asked: FastifyRequest[] = [];
    api = anApi({ deps: { log } });
    api.app.addHook('onRequest', (request, _reply, done) => {
      asked.push(request);
      done();
    });
    await api.app.inject('/v1/slo');
    await eventually(() => expect(api?.answered).toHaveLength(1));
    expect(log.lines).toEqual([]);
    expect(asked.map(({ about }) => about)).toEqual([{ startedMs: expect.any(Number) as number, client: '127.0.0.1' }]);
  });
});

describe('slow_request', () => {
  it('is said of a request that took longer than allowed, with its SLO', async () => {
    api = anApi({ deps: { slowRequestMs: () => 20 } });
    const { decisions, app, log } = api;
    decisions.onEvaluate(async (id) => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      return decisions.current(id);
    });
    const payload = { sloID: 'api-availability', forceFresh: true };
    await app.inject({ method: 'POST', url: '/v1/gate/decision', payload });
    const slow = await eventually(() => {
      const lines = log.lines.filter(({ message }) => message === 'slow_request');
      expect(lines).toHaveLength(1);
      return lines[0];
    });
    expect(slow).toMatchObject({
      level: 'warn',
      fields: { route: '/v1/gate/decision', status: 200, slo_id: 'api-availability' },
    });
    expect(slow?.fields.duration_ms).toBeGreaterThan(20);
  });

  it('is not said of a profile, which takes as long as it is told to', async () => {
    const access = {
      openMetrics: true,
      asksForKey: false,
      identify: () => ({ kind: 'identified', identity: adminSocketUser }) as const,
    };
    const profile = () => new Promise<string>((resolve) => setTimeout(resolve, 30, '{}'));
    api = anApi({ deps: { access, profile, slowRequestMs: () => 20 } });
    const answer = await api.app.inject({ method: 'POST', url: '/admin/profile/cpu' });
    expect(answer.statusCode).toBe(200);
    await eventually(() => expect(requestLines(api!)).toHaveLength(1));
    expect(api.log.lines.map(({ message }) => message)).toEqual(['order', 'request']);
  });

  it('is not said of the others', async () => {
    api = anApi({ deps: { slowRequestMs: () => 60_000 } });
    await api.app.inject('/v1/slo');
    await eventually(() => expect(requestLines(api!)).toHaveLength(1));
    expect(api.log.lines.map(({ message }) => message)).toEqual(['request']);
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
          trace_id: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
          span_id: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
          correlation_id: api.log.lines[0]?.fields.trace_id,
          client: '127.0.0.1',
          caller: 'anonymous',
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

  it('names the trace and the correlation of the caller, the SLO and the evaluation', async () => {
    api = anApi();
    const headers = {
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      'x-correlation-id': 'release-7',
    };
    const answer = await api.app.inject({
      ...{ method: 'POST', url: '/v1/gate/decision', headers, payload: { sloID: 'api-availability' } },
    });
    await eventually(() => expect(requestLines(api!)).toHaveLength(1));
    const [line] = requestLines(api);
    expect(line?.fields).toMatchObject({
      trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
      correlation_id: 'release-7',
      slo_id: 'api-availability',
      evaluation_id: answer.json<{ evaluationID: string }>().evaluationID,
    });
    expect(line?.fields.span_id).not.toBe('00f067aa0ba902b7');
  });

  it('does not repeat an SLO that nobody knows', async () => {
    api = anApi();
    await api.app.inject({ method: 'POST', url: '/v1/gate/decision', payload: { sloID: 'x'.repeat(1000) } });
    await eventually(() => expect(requestLines(api!)).toHaveLength(1));
    expect(requestLines(api)[0]?.fields.slo_id).toBeUndefined();
  });

  it('counts a request of no route under none', async () => {
    api = anApi();
    await api.app.inject('/a/b/c');
    expect(api.answered).toMatchObject([{ route: 'none', status: 404 }]);
  });
});

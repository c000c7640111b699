import { describe, expect, it } from 'vitest';
import { drain } from '../../src/api/drain.ts';
import { systemClock } from '../../src/clock.ts';
import type { Served } from '../../src/policy/decision-source.ts';
import { anApi, listen, rawClient, type RawClient } from '../support/api.ts';
import { anEvaluation } from '../support/evaluation.ts';
import { eventually } from '../support/eventually.ts';

const long = { boundMs: 60_000, clock: systemClock };
const forcedBody = '{"sloID":"api-availability","forceFresh":true}';
const forced = `POST /v1/gate/decision HTTP/1.1\r\nHost: a\r\nContent-Length: ${forcedBody.length}\r\n\r\n${forcedBody}`;
const health = 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n';

/** The API with an evaluation that the test ends. */
function slowApi() {
  const api = anApi();
  const answers: ((served: Served) => void)[] = [];
  api.decisions.onEvaluate(() => new Promise((resolve) => void answers.push(resolve)));
  const finish = () => {
    for (const answer of answers) answer({ evaluation: anEvaluation(), ageMs: 0, audited: true });
  };
  return { api, finish, waiting: () => answers.length };
}

describe('drain', () => {
  it('closes idle, half-open and silent connections when no request is open', async () => {
    const { app } = anApi();
    const port = await listen(app);
    const [idle, half, silent] = [await rawClient(port), await rawClient(port), await rawClient(port)];
    idle.write(health);
    await idle.received(/"ok"}$/);
    half.write('GET /healthz HTTP/1.1\r\nHo');
    expect(await drain(app, long)).toEqual({ cutOff: 0 });
    expect(await idle.closed).toContain('Connection: keep-alive');
    expect([await half.closed, await silent.closed]).toEqual(['', '']);
  });

  it('answers what was accepted, with connection: close, and refuses new connections meanwhile', async () => {
    const { api, finish, waiting } = slowApi();
    const port = await listen(api.app);
    const client = await rawClient(port);
    client.write(forced);
    await eventually(() => expect(waiting()).toBe(1));
    let isOver = false;
    const drained = drain(api.app, long).finally(() => (isOver = true));
    await expect(rawClient(port)).rejects.toThrow('ECONNREFUSED');
    expect(isOver).toBe(false);
    finish();
    const text = await client.closed;
    expect(text).toMatch(/^HTTP\/1.1 200 /);
    expect(text).toMatch(/\r\nconnection: close\r\n/i);
    expect(text).toContain('"decision":"ALLOW"');
    expect(await drained).toEqual({ cutOff: 0 });
  });

  it('answers a request that comes on a connection that is open already', async () => {
    const { api, finish, waiting } = slowApi();
    const port = await listen(api.app);
    const [busy, idle, bad] = [await rawClient(port), await rawClient(port), await rawClient(port)];
    for (const client of [idle, bad]) {
      client.write(health);
      await client.received(/"ok"}$/);
    }
    busy.write(forced);
    await eventually(() => expect(waiting()).toBe(1));
    const drained = drain(api.app, long);
    idle.write(health);
    bad.write('GET /nope HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(await idle.closed).toMatch(/"ok"}HTTP\/1.1 200 [^]*\r\nconnection: close\r\n[^]*"ok"}$/i);
    expect(await bad.closed).toMatch(/"ok"}HTTP\/1.1 404 [^]*\r\nconnection: close\r\n/i);
    finish();
    await busy.closed;
    expect(await drained).toEqual({ cutOff: 0 });
  });

  it('cuts off at the bound what is open still: a slow body, a slow evaluation, a slow reader', async () => {
    const { api, waiting } = slowApi();
    api.audit.answer(`{"records":[${' '.repeat(60_000_000)}]}`);
    const port = await listen(api.app);
    const [body, evaluation, reader] = [await rawClient(port), await rawClient(port), await rawClient(port)];
    body.write('POST /v1/gate/decision HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n{"slo');
    evaluation.write(forced);
    reader.socket.pause();
    reader.write('GET /v1/audit HTTP/1.1\r\nHost: a\r\n\r\n');
    await eventually(() => expect([waiting(), api.app.traffic.openRequests()]).toEqual([1, 3]));
    expect(await drain(api.app, { boundMs: 200, clock: systemClock })).toEqual({ cutOff: 3 });
    expect(await evaluation.closed).toBe('');
    expect(await body.closed).not.toContain('200 OK');
  });

  it('does not wait for a request whose client has gone', async () => {
    const { api, waiting } = slowApi();
    const client = await rawClient(await listen(api.app));
    client.write(forced);
    await eventually(() => expect(waiting()).toBe(1));
    client.socket.destroy();
    await eventually(() => expect(api.app.traffic.openRequests()).toBe(0));
    expect(await drain(api.app, long)).toEqual({ cutOff: 0 });
  });

  it('loses no request of clients that go on asking', async () => {
    const { app } = anApi();
    const port = await listen(app);
    // Each asks on one connection until it is told that the connection closes: a request that was sent is answered.
    let total = 0;
    const ask = async (client: RawClient) => {
      let asked = 0;
      let text = '';
      do {
        client.write(health);
        asked += 1;
        total += 1;
        text = await client.received(new RegExp(`(?:[^]*?"ok"}){${asked}}`));
      } while (!/connection: close/i.test(text));
      return text.split('"ok"}').length - 1 === asked;
    };
    const clients = await Promise.all(Array.from({ length: 10 }, () => rawClient(port)));
    const asked = Promise.all(clients.map(ask));
    await eventually(() => expect(total).toBeGreaterThan(100));
    expect(await drain(app, long)).toEqual({ cutOff: 0 });
    expect(await asked).toEqual(clients.map(() => true));
  });

  it('ends an application that never listened', async () => {
    expect(await drain(anApi().app, long)).toEqual({ cutOff: 0 });
  });
});

import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import type { Asked } from './aegis.ts';
import { freePort } from '../support/prometheus.ts';
import { aegis, json, serve } from './aegis.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

async function server(answer: (asked: Asked, response: ServerResponse) => void) {
  const running = await serve(answer);
  closing.push(running.close);
  return running;
}

const decisions: Record<string, object> = {
  allow: { decision: 'ALLOW', reasons: ['all burn rate checks passed'], reasonCodes: ['ok'] },
  thin: { decision: 'WARN', reasons: ['insufficient data (3 data points, 10 required)'], reasonCodes: ['few_points'] },
  stale: { decision: 'WARN', reasons: ['data is stale'], reasonCodes: ['stale'], isStale: true },
  newer: { decision: 'WARN', reasons: ['the moon is full'], reasonCodes: ['moon'] },
  block: {
    decision: 'BLOCK',
    reasons: [
      'insufficient data (zero traffic)',
      'rule fast-burn triggered: short=15.00x, long=15.00x (threshold=14.00x)',
    ],
    reasonCodes: ['no_traffic', 'rule_triggered'],
  },
};

/** Answers as aegis-server does, for the SLOs above. */
function asAegis(asked: Asked, response: ServerResponse): void {
  const { sloID } = JSON.parse(asked.body) as { sloID: string };
  const decision = decisions[sloID];
  if (decision === undefined) {
    json(response, 404, { error: `no evaluation found for SLO: ${sloID}`, code: 'unknown_slo', requestId: '1' });
    return;
  }
  json(response, 200, {
    sloID,
    timestamp: '2026-01-01T00:00:00Z',
    ttl: 60,
    age: 12.4,
    sli: { value: 0.9995, errorRate: 0.0005, budgetRemaining: 0.9 },
    notes: ['synthetic data'],
    ...decision,
  });
}

const gate = (url: string, ...words: string[]) => aegis(['gate', '--server', url, ...words]);

describe('exit codes', () => {
  test.each<[string[], number]>([
    [['--slo', 'allow'], 0],
    [['--slo', 'thin'], 0],
    [['--slo', 'stale'], 1],
    [['--slo', 'newer'], 1],
    [['--slo', 'block'], 1],
    [['--slo', 'allow', '--fail-on', 'warn'], 0],
    [['--slo', 'thin', '--fail-on', 'warn'], 1],
    [['--slo', 'stale', '--fail-on', 'block'], 0],
    [['--slo', 'block', '--fail-on', 'block'], 1],
    [['--slo', 'allow', 'thin'], 0],
    [['--slo', 'allow', '--slo', 'block'], 1],
    [['--slo', 'allow', 'nowhere'], 3],
    [['--slo', 'block', 'nowhere'], 1],
    [['--slo', 'block', '--dry-run'], 0],
    [['--slo', 'nowhere', '--dry-run'], 0],
  ])('%j: %i', async (words, code) => {
    const { url } = await server(asAegis);
    expect(await gate(url, ...words)).toMatchObject({ code });
  });
});

describe('what is asked', () => {
  test('the SLO, fresh where that is wanted, under the path and with the user of the server', async () => {
    const { port, asked } = await server(asAegis);
    const url = `http://ci:s%40crt@127.0.0.1:${port}/aegis/`;
    expect(await gate(url, '--slo', 'allow', '--fresh')).toMatchObject({ code: 0 });
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({ method: 'POST', url: '/aegis/v1/gate/decision' });
    expect(JSON.parse(asked[0]?.body ?? '')).toEqual({ sloID: 'allow', forceFresh: true });
    expect(asked[0]?.headers.authorization).toBe(`Basic ${Buffer.from('ci:s@crt').toString('base64')}`);
  });

  test('the server of the variable, where no flag says otherwise', async () => {
    const { url, asked } = await server(asAegis);
    expect(await aegis(['gate', '--slo', 'allow'], { AEGIS_SERVER: url })).toMatchObject({ code: 0 });
    expect(asked).toHaveLength(1);
  });

  const state = { service: 'api gateway', environment: 'prod', slos: ['a', 'b'], lastUpdated: null };

  test.each<[string, object, number]>([
    ['all is well', { decision: 'ALLOW', decisions: { a: 'ALLOW', b: 'ALLOW' }, reasonCodes: ['ok'] }, 0],
    ['thin data', { decision: 'WARN', decisions: { a: 'ALLOW', b: 'WARN' }, reasonCodes: ['ok', 'no_traffic'] }, 0],
    ['one not evaluated', { decision: 'WARN', decisions: { a: 'WARN' }, reasonCodes: ['ok', 'not_evaluated'] }, 1],
    ['a file in error', { decision: 'WARN', decisions: {}, reasonCodes: ['file_error'], filesInError: ['x.yaml'] }, 1],
    ['of another service', { decision: 'ALLOW', service: 'other', decisions: {}, reasonCodes: ['ok'] }, 3],
  ])('a state: %s', async (_, body, code) => {
    const { url, asked } = await server((_asked, response) => json(response, 200, { ...state, ...body }));
    expect(await gate(url, '--service', 'api gateway', '--env', 'prod')).toMatchObject({ code });
    expect(asked[0]).toMatchObject({ method: 'GET', url: '/v1/state/api%20gateway/prod' });
  });
});

describe('no decision could be had', () => {
  test.each<[string, (asked: Asked, response: ServerResponse) => void, string]>([
    [
      'a failing server',
      (_, response) => json(response, 500, { error: 'internal error', code: 'internal' }),
      '500: internal error',
    ],
    ['HTML', (_, response) => response.end('<html>ALLOW</html>'), 'not a JSON object'],
    ['a cut answer', (_, response) => response.end('{"decision":"ALLOW","sloID":"allow"'), 'not a JSON object'],
    ['no decision', (_, response) => json(response, 200, { sloID: 'allow', reasons: [] }), 'its decision is missing'],
    ['an unknown decision', (_, response) => json(response, 200, { sloID: 'allow', decision: 'YES' }), '"YES"'],
    ['an empty body', (_, response) => response.end(), 'not a JSON object'],
    ['no content', (_, response) => response.writeHead(204).end(), 'answered 204'],
    ['a redirect', (_, response) => response.writeHead(302, { location: '/elsewhere' }).end(), 'answered 302'],
    ['a page of a proxy', (_, response) => response.writeHead(404).end('<html>'), 'check --server'],
    ['too much', (_, response) => response.end(`{"x":"${'x'.repeat(2_000_000)}"}`), 'cannot be asked'],
    ['terminal codes', (_, response) => json(response, 400, { error: 'a\u001b[2Jb' }), 'a\\u001b[2Jb'],
  ])('%s', async (_, answer, why) => {
    const { url, asked } = await server(answer);
    const ran = await gate(url, '--slo', 'allow');
    expect(ran).toMatchObject({ code: 3, err: expect.stringContaining(why) as unknown });
    expect(ran.err).toContain('aegis gate: no decision for allow: ');
    expect(JSON.parse(ran.out)).toMatchObject({ verdict: 'noDecision', exitCode: 3, results: [{ answer: null }] });
    expect(asked).toHaveLength(1);
  });

  test('an SLO that the server does not know is named', async () => {
    const { url } = await server(asAegis);
    const ran = await gate(url, '--slo', 'nowhere');
    expect(ran.code).toBe(3);
    expect(ran.err).toContain('no decision for nowhere: ');
    expect(ran.err).toContain('404: no evaluation found for SLO: nowhere');
  });

  test('a server that is not there, until the time is over', async () => {
    // Nothing listens on port 1.
    const ran = await gate('http://127.0.0.1:1', '--slo', 'allow', '--timeout', '4s');
    expect(ran.code).toBe(3);
    expect(ran.err).toContain('refused the connection');
  });

  test('a server that never answers', async () => {
    const { url } = await server(() => undefined);
    const ran = await gate(url, '--slo', 'allow', 'block', '--timeout', '300ms');
    expect(ran.code).toBe(3);
    expect(ran.err).toContain('gave no answer within 0.3 s');
  });

  test('a server that accepts and says nothing of HTTP', async () => {
    const odd = createServer((socket) => socket.end('SSH-2.0-OpenSSH\r\n'));
    odd.listen(0, '127.0.0.1');
    await once(odd, 'listening');
    const { port } = odd.address() as AddressInfo;
    const ran = await gate(`http://127.0.0.1:${port}`, '--slo', 'allow', '--timeout', '500ms');
    odd.close();
    expect(ran.code).toBe(3);
  });
});

describe('a server that is being restarted', () => {
  test.each<[string, (response: ServerResponse) => void]>([
    ['closes the connection', (response) => response.destroy()],
    ['is not behind its proxy', (response) => response.writeHead(502).end('<html>Bad Gateway</html>')],
    ['is shutting down', (response) => json(response, 503, { error: 'shutting down', code: 'shutting_down' })],
  ])('%s, and is asked again', async (_, fail) => {
    let failures = 2;
    const { url } = await server((asked, response) => {
      if (failures-- > 0) fail(response);
      else asAegis(asked, response);
    });
    const ran = await gate(url, '--slo', 'allow', '--timeout', '60s');
    expect(ran.code).toBe(0);
    expect(ran.err).toContain('trying again');
  });

  test('refuses at first', async () => {
    const port = await freePort();
    const running = gate(`http://127.0.0.1:${port}`, '--slo', 'allow', '--timeout', '60s');
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'error');
    const again = await serve(asAegis, port);
    closing.push(again.close);
    expect(await running).toMatchObject({ code: 0 });
  });
});

describe('a server that is asked too often', () => {
  const tooMany = (response: ServerResponse, retryAfter: string) => {
    response.setHeader('retry-after', retryAfter);
    json(response, 429, { error: 'ci may send 1 requests a second', code: 'rate_limited' });
  };

  test('is asked again when it says, and decides', async () => {
    const asks: number[] = [];
    const { url } = await server((asked, response) => {
      asks.push(performance.now());
      if (asks.length === 1) tooMany(response, '1');
      else asAegis(asked, response);
    });
    const ran = await gate(url, '--slo', 'allow', 'block', '--timeout', '60s');
    expect(ran.code).toBe(1);
    expect(ran.err).toContain('answered 429: ci may send 1 requests a second; trying again');
    expect((asks.at(-1) ?? 0) - (asks[0] ?? 0)).toBeGreaterThanOrEqual(995);
  });

  test('is not gone past: where the time is over first, there is no decision', async () => {
    const { url } = await server((_, response) => tooMany(response, '30'));
    const ran = await gate(url, '--slo', 'allow', '--timeout', '2s');
    expect(ran.code).toBe(3);
    expect(ran.err).toContain('also when asked again for 2 s');
  });
});

describe('what is printed', () => {
  test('for programs: the verdict, and each answer as the server gave it', async () => {
    const { url } = await server(asAegis);
    const ran = await gate(url, '--slo', 'allow', 'block');
    expect(JSON.parse(ran.out)).toMatchObject({
      verdict: 'blocked',
      exitCode: 1,
      failOn: 'unproven',
      dryRun: false,
      results: [
        { name: 'allow', verdict: 'goOn', why: null, answer: { decision: 'ALLOW', ttl: 60 } },
        { name: 'block', verdict: 'blocked', why: 'BLOCK', answer: { decision: 'BLOCK' } },
      ],
    });
    expect(ran.err).toBe(
      'aegis gate: blocked: block: BLOCK: rule fast-burn triggered: short=15.00x, long=15.00x (threshold=14.00x)\n',
    );
  });

  test('for people: the worst first with its reason beside it', async () => {
    const { url } = await server(asAegis);
    const ran = await gate(url, '--slo', 'allow', 'block', 'stale', '--format', 'text');
    expect(ran.out).toBe(
      [
        'DECISION  SLO    SLI     BUDGET  AGE  REASON',
        'BLOCK     block  0.9995  90%     12s  rule fast-burn triggered: short=15.00x, long=15.00x (threshold=14.00x)',
        '                                      insufficient data (zero traffic)',
        '                                      note: synthetic data',
        'WARN      stale  0.9995  90%     12s  data is stale',
        '                                      note: synthetic data',
        'ALLOW     allow  0.9995  90%     12s  all burn rate checks passed',
        '                                      note: synthetic data',
        '',
        'blocked: block: BLOCK; stale: WARN, and the truth is not known: stale',
        '',
      ].join('\n'),
    );
  });

  test('colours where they are asked for', async () => {
    const { url } = await server(asAegis);
    const words = ['gate', '--server', url, '--slo', 'block', '--format', 'text'];
    expect((await aegis(words, { FORCE_COLOR: '1' })).out).toContain('\u001b[31mBLOCK');
    expect((await aegis(words)).out).not.toContain('\u001b');
  });

  test('a dry run says what it would have been', async () => {
    const { url } = await server(asAegis);
    const ran = await gate(url, '--slo', 'block', '--dry-run', '--format', 'text');
    expect(ran.out).toContain('(dry run: exit code 0 in place of 1)');
  });
});

describe('usage', () => {
  test.each<[string[], string]>([
    [[], 'aegis gate: --slo: missing'],
    [['--slo'], 'aegis gate: --slo: the value is missing'],
    [['--slo', '--fresh'], 'aegis gate: --slo: the value is missing'],
    [['--slo', ''], 'aegis gate: --slo: "" is not allowed'],
    [['--service', 'a'], 'aegis gate: --env: missing'],
    [['--env', 'a'], 'aegis gate: --service: missing'],
    [['--slo', 'a', '--service', 'a', '--env', 'b'], 'aegis gate: --slo: not allowed together'],
    [['--fresh', '--service', 'a', '--env', 'b'], 'aegis gate: --fresh: not allowed together'],
    [['--slo', 'a', '--fail-on', 'never'], 'aegis gate: --fail-on: "never" is not allowed: block, unproven or warn'],
    [['--slo', 'a', '--timeout', '15'], 'aegis gate: --timeout: "15" is not allowed'],
    [['--slo', 'a', '--server', 'ftp://u:hunter2@h'], 'aegis gate: --server: "ftp://h" is not allowed'],
    [['--slo', 'a', '--formt', 'json'], 'aegis gate: --formt: no such flag: did you mean --format?'],
  ])('%j', async (words, message) => {
    const ran = await aegis(['gate', ...words]);
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).toContain(message);
    expect(ran.err.trimEnd()).not.toContain('\n');
    expect(ran.err).not.toContain('hunter2');
  });

  test('a wrong variable is named', async () => {
    const ran = await aegis(['gate', '--slo', 'a'], { AEGIS_SERVER: 'aegis:8080' });
    expect(ran).toMatchObject({ code: 2, err: expect.stringContaining('AEGIS_SERVER: "aegis:8080"') as unknown });
  });
});

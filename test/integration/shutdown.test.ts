import { once } from 'node:events';
import { existsSync, rmSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { messageOf } from '../../src/errors.ts';
import { rawClient } from '../support/api.ts';
import { eventually } from '../support/eventually.ts';
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy.ts';
import { createGate, type Answer, type GateOptions, type GateServer } from '../support/gate-server.ts';
import { sloDocument } from '../support/slo.ts';

const slo = 'api-availability';
const healthy = { good: 9995, total: 10_000 };
const fixtures = { [slo]: { windows: { '5m': healthy, '1h': healthy, '6h': healthy, '30d': healthy } } };

let gate: GateServer;
let source: FaultProxy | undefined;
afterEach(async () => {
  await gate.remove();
  await source?.close();
  source = undefined;
});

async function startGate(options: GateOptions): Promise<GateServer> {
  gate = await createGate(options);
  await gate.start();
  return gate;
}

/** A metrics source that takes requests and never answers, so that an evaluation lasts until its deadline. */
async function silentSource(): Promise<FaultProxy> {
  source = await startFaultProxy('http://127.0.0.1:1');
  await source.set('silent');
  return source;
}

/** A signal to a running server; the exit code and how long it took, killed after 20 s. */
async function end(signal: NodeJS.Signals): Promise<{ code: number | null; tookMs: number }> {
  const running = gate.process();
  const beganMs = performance.now();
  const exited = once(running, 'exit');
  running.kill(signal);
  const kill = setTimeout(() => running.kill('SIGKILL'), 20_000);
  await exited;
  clearTimeout(kill);
  return { code: running.exitCode, tookMs: performance.now() - beganMs };
}

function storedIds(): readonly string[] {
  const db = new Sqlite(gate.db, { readonly: true });
  try {
    return db.prepare<[], string>('SELECT evaluation_id FROM evaluations').pluck().all();
  } finally {
    db.close();
  }
}

function loggedIds(): readonly string[] {
  const lines = gate.lines().filter(({ message }) => String(message).startsWith('Evaluated SLO '));
  return lines.map(({ evaluation_id: id }) => String(id));
}

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  it('answers what was accepted, closes what is idle or slow, stores every row, and ends with 0 within 10 s', async () => {
    const { seen, url } = await silentSource();
    await startGate({
      prometheusUrl: url,
      slos: [sloDocument({ interval: '1h' })],
      args: ['--evaluation-timeout', '2s'],
    });
    await gate.waitFor(slo, 'WARN'); // the first evaluation is over
    const [idle, silent, half, trickling] = await Promise.all([1, 2, 3, 4].map(() => rawClient(gate.port)));
    idle!.write('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n');
    await idle!.received(/"ok"}$/);
    half!.write('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n');
    half!.socket.end();
    const trickle = setInterval(() => trickling!.write('x'), 50);
    trickling!.write('GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ');

    const asked = seen.length;
    const request = fetch(`${gate.url}/v1/gate/decision`, {
      method: 'POST',
      body: JSON.stringify({ sloID: slo, forceFresh: true }),
    });
    await eventually(() => expect(seen.length).toBeGreaterThan(asked)); // it is under way
    const ended = end(signal);

    const response = await request;
    expect(response.status).toBe(200);
    expect(response.headers.get('connection')).toBe('close');
    const answer = (await response.json()) as Answer;
    expect(answer).toMatchObject({ decision: 'WARN', audited: true });
    expect(answer.reasons.join()).toContain('query failed');

    const { code, tookMs } = await ended;
    clearInterval(trickle);
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(10_000);
    await Promise.all([idle, silent, half, trickling].map((client) => client!.closed));
    expect(await half!.closed).toContain('{"status":"ok"}');
    expect(existsSync(`${gate.db}-wal`)).toBe(false); // one file with every row
    expect(storedIds()).toContain(answer.evaluationID);
    expect(storedIds().toSorted()).toEqual(loggedIds().toSorted());
  });
});

it('a client that never ends its body is cut off, not waited for', async () => {
  await startGate({ slos: [sloDocument()], fixtures });
  const client = await rawClient(gate.port);
  client.write('POST /v1/gate/decision HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n');
  const trickle = setInterval(() => client.write(' '), 50);
  await wait(100); // the headers are read
  const { code, tookMs } = await end('SIGTERM');
  clearInterval(trickle);
  expect(code).toBe(0);
  // The bound is 8 s; a body that is not limited by the stop is limited at 15 s.
  expect(tookMs).toBeLessThan(12_000);
});

describe('--shutdown-delay', () => {
  it('answers on, new connections too, while /readyz is 503; a second signal changes nothing', async () => {
    await startGate({ slos: [sloDocument()], fixtures, args: ['--shutdown-delay', '5m'] });
    await gate.waitFor(slo, 'ALLOW');
    gate.process().kill('SIGTERM');
    await eventually(async () => {
      const { status, body } = await gate.get('/readyz');
      expect(status).toBe(503);
      expect(body).toMatchObject({ ready: false, reasons: ['shutting down'] });
    });
    gate.process().kill('SIGTERM');
    await wait(1_000); // long after a server without the delay has closed
    const client = await rawClient(gate.port);
    client.write('GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(await client.received(/\}$/)).toMatch(/^HTTP\/1\.1 503 /);
    expect(await gate.decide(slo)).toMatchObject({ decision: 'ALLOW' });
  });

  it('ends with 0 after it', async () => {
    await startGate({ slos: [sloDocument()], fixtures, args: ['--shutdown-delay', '500ms'] });
    await gate.waitFor(slo, 'ALLOW');
    expect((await end('SIGTERM')).code).toBe(0);
    expect(storedIds().toSorted()).toEqual(loggedIds().toSorted());
  });
});

describe('a signal before the port is open', () => {
  /** Starts, sends SIGTERM at a moment, and gives how the process ended. */
  async function startAndEnd(moment: () => Promise<unknown>): Promise<number | NodeJS.Signals | null> {
    const started = gate.start().catch(messageOf);
    await moment();
    const running = gate.process();
    const exited = once(running, 'exit');
    running.kill('SIGTERM');
    await exited;
    await started;
    return running.exitCode ?? running.signalCode;
  }

  it('ends the start with 0, once the program runs', async () => {
    gate = await createGate({ slos: [sloDocument()], fixtures });
    for (let round = 0; round < 3; round += 1) {
      // The database is the first thing that a start makes.
      expect(await startAndEnd(() => eventually(() => statSync(gate.db)))).toBe(0);
      rmSync(gate.db);
    }
    expect(gate.log()).not.toMatch(/"level":"(error|fatal)"/);
  });

  it('leaves a database that opens again, wherever in its start it is met', async () => {
    gate = await createGate({ slos: [sloDocument()], fixtures });
    for (const delayMs of [100, 250, 400, 600]) {
      // Until Node listens for signals, the signal itself ends the process.
      expect([0, 'SIGTERM']).toContain(await startAndEnd(() => wait(delayMs)));
    }
    await gate.start();
    await gate.waitFor(slo, 'ALLOW');
    await gate.stop();
    expect(storedIds().toSorted()).toEqual(loggedIds().toSorted());
  });
});

it('a server that stood still for longer than two intervals begins with no old ALLOW', async () => {
  await startGate({ slos: [sloDocument({ interval: '1s' })], fixtures });
  await gate.waitFor(slo, 'ALLOW');
  gate.process().kill('SIGSTOP');
  unlinkSync(join(gate.fixtureDir, `${slo}.json`)); // no evaluation from here on can find health
  const stoppedAtMs = Date.now();
  const early = Array.from({ length: 20 }, () => gate.decide(slo)); // the kernel takes their connections
  while (Date.now() - stoppedAtMs < 2_500) await wait(50);
  gate.process().kill('SIGCONT');
  const answers = [...(await Promise.all(early)), ...(await Promise.all(early.map(() => gate.decide(slo))))];
  expect(answers.map(({ decision }) => decision)).toEqual(answers.map(() => 'WARN'));
  for (const { reasonCodes } of answers) {
    expect(reasonCodes.some((code) => code === 'overdue' || code === 'query_failed')).toBe(true);
  }
});

it('SIGHUP reads the SLO files again', async () => {
  await startGate({ slos: [sloDocument()], fixtures });
  const lastReload = async () => {
    const { body } = await gate.get('/v1/status');
    return Date.parse((body as { lastReload: { at: string } }).lastReload.at);
  };
  const before = await lastReload();
  gate.process().kill('SIGHUP');
  await eventually(async () => expect(await lastReload()).toBeGreaterThan(before));
  await gate.writeSlo(sloDocument({ id: 'second' }));
  gate.process().kill('SIGHUP');
  await eventually(async () => expect((await gate.get('/v1/slo/second')).status).toBe(200));
  await eventually(() => expect(gate.log()).toContain('Loaded 2 SLOs'));
});

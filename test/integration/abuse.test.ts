import { connect, type Socket } from 'node:net';
import { Agent, request } from 'node:http';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { createGate, type GateServer } from '../support/gate-server.ts';
import { sloDocument } from '../support/slo.ts';

const healthy = { good: 9995, total: 10_000 };
const fixture = { windows: { '5m': healthy, '1h': healthy, '6h': healthy, '30d': healthy } };
const maxConnections = 600;

/** A server that held all that it is sent here would be at a gigabyte. */
const memoryBoundBytes = 500 * 1024 * 1024;

let gate: GateServer;
beforeAll(async () => {
  gate = await createGate({
    slos: [sloDocument()],
    fixtures: { 'api-availability': fixture },
    args: ['--max-connections', String(maxConnections), '--log-level', 'warn'],
  });
  await gate.start();
});
afterAll(() => gate.remove());

/** Where abusers come from; the polite client has 127.0.0.1. */
const elsewhere = '127.0.0.2';

interface Abuser {
  readonly socket: Socket;
  /** What it was sent, as far as it read. */
  text(): string;
  readonly isClosed: () => boolean;
}

/** A connection that sends these bytes, and reads (or not) what comes. */
function abuser(bytes: string | Buffer, { isReading = true } = {}): Promise<Abuser> {
  return new Promise((resolve) => {
    const socket = connect({ port: gate.port, host: '127.0.0.1', localAddress: elsewhere });
    let text = '';
    let isClosed = false;
    if (isReading) socket.on('data', (chunk: Buffer) => (text = (text + chunk.toString('latin1')).slice(0, 10_000)));
    else socket.pause();
    socket.on('error', () => undefined); // it is let go in whatever way
    socket.on('close', () => (isClosed = true));
    const connected = () => {
      socket.write(bytes);
      resolve({ socket, text: () => text, isClosed: () => isClosed });
    };
    socket.once('connect', connected);
    socket.once('close', () => resolve({ socket, text: () => text, isClosed: () => isClosed }));
  });
}

async function abusers(count: number, bytes: string | Buffer, options?: { isReading?: boolean }): Promise<Abuser[]> {
  return Promise.all(Array.from({ length: count }, () => abuser(bytes, options)));
}

/** One decision, as a client asks that keeps its connection, or that makes a new one. */
function decide(agent: Agent): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const options = { port: gate.port, host: '127.0.0.1', method: 'POST', path: '/v1/gate/decision', agent };
    const asked = request({ ...options, timeout: 30_000 }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.on('error', reject);
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer in 30 s')));
    asked.on('error', reject);
    asked.end('{"sloID":"api-availability"}');
  });
}

const memoryOf = (pid: number | undefined) =>
  1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

/** Asks all the time while an abuse goes on, and then says what was not a decision, and how much memory there was. */
async function politely(abuse: () => Promise<readonly Abuser[]>): Promise<void> {
  const agents = [new Agent({ keepAlive: true, maxSockets: 1 }), new Agent({ keepAlive: false })];
  const failed: unknown[] = [];
  let asked = 0;
  let isOver = false;
  let highest = 0;
  const clients = agents.map(async (agent) => {
    while (!isOver) {
      const answer = await decide(agent).catch((error: unknown) => ({ status: 0, text: String(error) }));
      asked += 1;
      if (answer.status !== 200 || !answer.text.includes('"decision":"ALLOW"')) failed.push(answer);
      highest = Math.max(highest, memoryOf(gate.process().pid));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });
  const all = await abuse().finally(() => (isOver = true));
  await Promise.all(clients);
  for (const { socket } of all) socket.destroy();
  for (const agent of agents) agent.destroy();
  expect(failed).toEqual([]);
  expect(asked).toBeGreaterThanOrEqual(agents.length);
  expect(highest).toBeLessThan(memoryBoundBytes);
  expect((await gate.get('/healthz')).status).toBe(200);
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
const post = (path: string, length: number) =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;

describe('a polite client has its decisions while others', () => {
  it('send headers and bodies byte by byte, or not at all, and are let go', async () => {
    await politely(async () => {
      const slow = [
        ...(await abusers(100, 'GET /healthz HTTP/1.1\r\nHost: a\r\nX-A: ')),
        ...(await abusers(100, `${post('/v1/gate/decision', 20)}{`)),
        ...(await abusers(100, '')),
      ];
      const dripping = setInterval(() => {
        for (const { socket } of slow.slice(0, 200)) if (socket.writable) socket.write('a');
      }, 1000);
      await eventually(() => expect(slow.filter(({ isClosed }) => !isClosed())).toEqual([]), 60_000).finally(() =>
        clearInterval(dripping),
      );
      expect(slow[150]?.text()).toMatch(/^HTTP\/1.1 408 /);
      return slow;
    });
  });

  it('hold more connections than there may be, and ask nothing', async () => {
    await politely(async () => {
      const idle = await abusers(1_000, '');
      const asking = await abusers(1_000, get('/healthz'));
      await eventually(() => {
        const open = [...idle, ...asking].filter(({ isClosed }) => !isClosed());
        expect(open.length).toBeLessThanOrEqual(maxConnections);
      });
      return [...idle, ...asking];
    });
  });

  it('begin more bodies than there may be connections, and never end them', async () => {
    const body = `${post('/v1/gate/decision', 20)}{`;
    const slow = await abusers(maxConnections, body);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    let isPoliteClosed = false;
    agent.on('free', (socket: Socket) => socket.once('close', () => (isPoliteClosed = true)));
    await eventually(async () => expect((await decide(agent)).status).toBe(200));
    // One after the other, so that none of theirs is idle when the next one comes: the only idle one is the polite one's.
    for (let more = 0; more < 20; more += 1) {
      slow.push(await abuser(body));
      expect((await gate.get('/healthz')).status).toBe(200);
    }
    expect(isPoliteClosed).toBe(false);
    expect((await decide(agent)).status).toBe(200);
    for (const { socket } of slow) socket.destroy();
    agent.destroy();
  });

  it('send bodies of 64 MB, announced or in chunks, to any route', async () => {
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    const flood = async (head: string, isChunked: boolean): Promise<Abuser> => {
      const one = await abuser(head);
      for (let sent = 0; sent < 64 && one.socket.writable; sent += 1) {
        const framed = isChunked ? Buffer.concat([Buffer.from('100000\r\n'), chunk, Buffer.from('\r\n')]) : chunk;
        if (one.socket.write(framed)) continue;
        await new Promise<void>((resolve) => {
          const goOn = () => {
            one.socket.off('drain', goOn).off('close', goOn);
            resolve();
          };
          one.socket.on('drain', goOn).on('close', goOn);
        });
      }
      return one;
    };
    const chunked = (path: string) =>
      `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const paths = ['/v1/gate/decision', '/v1/slo', '/admin/reload', '/docs', '/nowhere'];
    await politely(async () => {
      const all = await Promise.all(
        paths.flatMap((path) => [flood(post(path, 64 * chunk.length), false), flood(chunked(path), true)]),
      );
      await eventually(() => {
        for (const one of all) expect(one.text()).toMatch(/^HTTP\/1.1 4\d\d /);
      });
      return all;
    });
  });

  it('send JSON that is nested as deeply as a body can be', async () => {
    const deep = '['.repeat(32_000) + ']'.repeat(32_000);
    const objects = '{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000);
    const hidden = `{"sloID":"api-availability","more":${objects}}`;
    await politely(async () => {
      const all = await Promise.all(
        [deep, objects, hidden].flatMap((body) =>
          Array.from({ length: 20 }, () => abuser(post('/v1/gate/decision', body.length) + body)),
        ),
      );
      await eventually(() => {
        for (const one of all.slice(0, 40)) expect(one.text()).toMatch(/^HTTP\/1.1 400 /);
        for (const one of all.slice(40)) expect(one.text()).toMatch(/^HTTP\/1.1 200 /);
      });
      return all;
    });
  });

  it('ask without reading the answers, one by one and in one burst', async () => {
    await politely(async () => {
      const readers = await abusers(50, get('/metrics').repeat(20), { isReading: false });
      const bursts = await abusers(50, get('/openapi.json').repeat(1_000), { isReading: false });
      const flood = await abusers(50, get('/healthz').repeat(1_000));
      await eventually(() => {
        for (const one of [...bursts, ...flood]) one.socket.resume();
        expect([...bursts, ...flood].filter(({ isClosed }) => !isClosed())).toEqual([]);
      });
      return [...readers, ...bursts, ...flood];
    });
    const metrics = await fetch(`${gate.url}/metrics`).then((response) => response.text());
    expect(metrics).toMatch(/aegis_http_connections_closed_total\{reason="pipelining"\} [1-9]/);
    expect(metrics).toMatch(/aegis_http_connections_closed_total\{reason="idle"\} [1-9]/);
  });

  it('send what is no HTTP, end their half, and come and go', async () => {
    await politely(async () => {
      const garbage = Buffer.from(Array.from({ length: 2_000 }, (_, index) => (index * 7919) % 256));
      const hello = Buffer.from('16030102000100', 'hex');
      const all = [...(await abusers(100, garbage)), ...(await abusers(100, hello))];
      const half = await abusers(100, get('/healthz'));
      for (const { socket } of half) socket.end();
      for (let round = 0; round < 20; round += 1) {
        for (const { socket } of await abusers(50, get('/healthz'))) socket.resetAndDestroy();
      }
      await eventually(() => {
        expect([...all, ...half].filter(({ isClosed }) => !isClosed())).toEqual([]);
      });
      expect(half[0]?.text()).toMatch(/^HTTP\/1.1 200 /);
      return all;
    });
  });

  it('flood it with requests, under a rate limit that is theirs alone', async () => {
    // The last of all: the limit stays.
    await gate.stop();
    const limited = await createGate({
      slos: [sloDocument()],
      fixtures: { 'api-availability': fixture },
      args: ['--rate-limit', '200', '--log-level', 'warn'],
    });
    const before = gate;
    gate = limited;
    await gate.start();
    await before.remove();
    await politely(async () => {
      const many = await abusers(50, '');
      for (let round = 0; round < 20; round += 1) {
        for (const { socket } of many) socket.write(get('/v1/slo').repeat(10));
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      await eventually(() => expect(many.some((one) => one.text().includes('429 Too Many Requests'))).toBe(true));
      return many;
    });
    const said = () => gate.lines().filter(({ message }) => message === 'rate_limit');
    await eventually(() => {
      expect(said().map(({ client, route }) => [client, route])).toEqual([[elsewhere, '/v1/slo']]);
    });
  });
});

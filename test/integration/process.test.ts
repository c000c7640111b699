import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { portOf } from '../support/exporter.ts';
import { createGate, type GateOptions, type GateServer } from '../support/gate-server.ts';
import { root } from '../support/running.ts';
import { sloDocument } from '../support/slo.ts';

const slo = 'api-availability';
const healthy = { good: 9995, total: 10_000 };
const fixture = { windows: { '5m': healthy, '1h': healthy, '6h': healthy, '30d': healthy } };
const demonstration: GateOptions = { slos: [sloDocument()], fixtures: { [slo]: fixture } };

const atEnd: (() => unknown)[] = [];
afterEach(async () => {
  for (const act of atEnd.splice(0).reverse()) await act();
});

async function aGate(options: GateOptions = demonstration): Promise<GateServer> {
  const gate = await createGate(options);
  atEnd.push(() => gate.remove());
  return gate;
}

async function startGate(options?: GateOptions): Promise<GateServer> {
  const gate = await aGate(options);
  await gate.start();
  return gate;
}

/** A metrics source that answers as the test says. */
async function aSource(answer: RequestListener): Promise<Server> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return server;
}

function messagesOf(gate: GateServer, level: RegExp): readonly string[] {
  const lines = gate.lines().filter((line) => level.test(String(line.level)));
  return lines.map(({ message }) => String(message));
}

describe('a setting that is wrong ends the start with 2 and one line', () => {
  interface Wrong {
    readonly args?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    readonly says: RegExp;
    readonly hides?: string;
  }
  const dir = ['--slo-dir', '.'];
  const cases: readonly Wrong[] = [
    { args: [], says: /--slo-dir: missing, and required/ },
    { args: [...dir, '--port', 'http'], says: /--port: .*"http".*0 to 65535/ },
    { args: [...dir, '--adapter', 'graphite'], says: /--adapter: .*"graphite".*prometheus.*synthetic/ },
    { args: [...dir, '--adapter', 'prometheus'], says: /--prometheus-url: missing/ },
    { args: [...dir, '--prometheus-url', 'ftp://user:s3cret@host'], says: /--prometheus-url: .*http/, hides: 's3cret' },
    { args: [...dir, '--log-level', 'loud'], says: /--log-level: .*"loud".*debug/ },
    { args: [...dir, '--evaluation-timeout', '0s'], says: /--evaluation-timeout: .*"0s".*100ms/ },
    { args: [...dir, '--slodir', 'x'], says: /--slodir.*--slo-dir/ },
    { args: [...dir, 'slos'], says: /slos/ },
    { args: dir, env: { PORT: '99999' }, says: /PORT: .*"99999".*65535/ },
    { args: dir, env: { ADAPTER_TYPE: 'influx' }, says: /ADAPTER_TYPE: .*"influx"/ },
    { args: dir, env: { PROMETHEUS_HEADERS: 's3cret without a colon' }, says: /PROMETHEUS_HEADERS: /, hides: 's3cret' },
  ];

  it.each(cases)('%o', async ({ args = [], env = {}, says, hides }) => {
    const child = spawn(process.execPath, [join(root, 'dist/server.js'), ...args], {
      cwd: root,
      env: { PATH: process.env.PATH, ...env },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    await once(child, 'close');
    expect(child.exitCode, stderr).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^aegis-server: [^\n]+\n$/);
    expect(stderr).toMatch(says);
    if (hides !== undefined) expect(stderr).not.toContain(hides);
  });
});

describe('without SLOs', () => {
  it.each([
    ['an empty directory', {}],
    ['only a bad file', { files: { 'bad.yaml': 'apiVersion: aegis.slo/v1\nkind: SLO\nmetadata:\n  id: x\n' } }],
    ['a directory that does not exist', { args: ['--slo-dir', 'nowhere'] }],
  ])('the server is up and says so: %s', async (_, options: GateOptions) => {
    const gate = await startGate(options);
    expect(await gate.get('/healthz')).toEqual({ status: 200, body: { status: 'ok' } });
    const { status, body } = await gate.get('/readyz');
    expect(status).toBe(503);
    expect(body).toMatchObject({
      ready: false,
      slosLoaded: 0,
      reasons: expect.arrayContaining(['no SLOs loaded']) as unknown,
    });
    expect(messagesOf(gate, /error/).join('\n')).toMatch(/^Failed to load SLOs: /m);
  });

  it('it becomes ready when files appear, without a restart', async () => {
    const gate = await startGate({ fixtures: { [slo]: fixture } });
    await gate.writeSlo(sloDocument());
    await eventually(async () => expect((await gate.get('/readyz')).status).toBe(200));
    expect(await gate.decide(slo)).toMatchObject({ decision: 'ALLOW' });
  });
});

it('a port in use ends the start with one clear line', async () => {
  const gate = await aGate();
  const other = createTcpServer((socket) => socket.destroy()).listen(gate.port, '127.0.0.1');
  await once(other, 'listening');
  atEnd.push(() => other.close());
  await expect(gate.start()).rejects.toThrow(/the server ended with [12]:/);
  const errors = messagesOf(gate, /error|fatal/);
  expect(errors).toHaveLength(1);
  expect(errors[0]).toMatch(new RegExp(`127\\.0\\.0\\.1:${gate.port}.*in use`));
});

describe('the database', () => {
  it('that another process has locked at the start costs no decision, and gets its rows later', async () => {
    const gate = await startGate();
    await gate.waitFor(slo, 'ALLOW');
    await gate.stop();
    const holder = new Sqlite(gate.db);
    atEnd.push(() => holder.close());
    holder.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE'); // for readers too
    await gate.start();
    const answer = await gate.decide(slo, true);
    expect(answer).toMatchObject({ decision: 'ALLOW', audited: false });
    const page = await gate.get('/v1/audit');
    expect(page).toMatchObject({ status: 503, body: { code: 'audit_unavailable' } });
    await eventually(() => expect(messagesOf(gate, /error/).join('\n')).toMatch(/failed to store evaluation: ./));
    holder.exec('ROLLBACK');
    holder.close();
    await eventually(async () => {
      const { body } = await gate.get(`/v1/evaluations/${answer.evaluationID}`);
      expect(body).toMatchObject({ decision: 'ALLOW' });
    });
    expect(await gate.stop()).toBe(0);
  });

  it('that is no database ends the start with 1, untouched', async () => {
    const gate = await aGate();
    writeFileSync(gate.db, 'minutes of a meeting\n'.repeat(300));
    const before = readFileSync(gate.db);
    const files = readdirSync(gate.directory);
    await expect(gate.start()).rejects.toThrow('the server ended with 1:');
    expect(messagesOf(gate, /error|fatal/).join('\n')).toMatch(/not a database/);
    expect(readFileSync(gate.db)).toEqual(before);
    expect(readdirSync(gate.directory)).toEqual([...files, 'server.log'].toSorted());
  });
});

it('HEAD answers as GET does, without a body', async () => {
  const gate = await startGate();
  const { evaluationID } = await gate.waitFor(slo, 'ALLOW');
  await eventually(async () => expect((await gate.get(`/v1/evaluations/${evaluationID}`)).status).toBe(200));
  const { body } = await gate.get('/openapi.json');
  const paths = Object.entries((body as { paths: Record<string, object> }).paths)
    .filter(([, methods]) => 'get' in methods)
    .map(([path]) => path.replace('{service}/{env}', 'api-gateway/production'))
    .map((path) => path.replace('evaluations/{id}', `evaluations/${evaluationID}`).replace('{id}', slo));
  expect(paths.length).toBeGreaterThanOrEqual(8);
  for (const path of [...paths, '/docs', '/openapi.json', '/v1/slo/nobody']) {
    const get = await fetch(gate.url + path);
    await get.arrayBuffer();
    const head = await fetch(gate.url + path, { method: 'HEAD' });
    expect([path, head.status, head.headers.get('content-type')]).toEqual([
      path,
      get.status,
      get.headers.get('content-type'),
    ]);
    expect(await head.text()).toBe('');
    expect(get.status, path).toBe(path.endsWith('nobody') ? 404 : path.startsWith('/admin/') ? 403 : 200);
  }
});

describe('secrets are in no log, answer or row', () => {
  const secrets = ['s3cret-password', 's3cret-token', 's3cret-header', 's3cret-redirect'];

  /** Says back what it was sent, as some proxies do in their error pages. */
  const answers: Readonly<Record<string, RequestListener>> = {
    'an error that repeats the request': (request, response) => {
      const { authorization, 'x-scope-token': scope } = request.headers;
      const error = `no access for ${authorization ?? ''} ${String(scope)} ${request.url ?? ''}`;
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ status: 'error', errorType: 'bad_data', error }));
    },
    'a page that repeats the request': (request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end(`<html>${JSON.stringify(request.headers)}</html>`);
    },
    'a redirect': (_, response) => {
      response.writeHead(302, { location: '/login?token=s3cret-redirect' }).end();
    },
  };

  const password = (port: number): GateOptions => ({
    prometheusUrl: `http://user:s3cret-password@127.0.0.1:${port}/`,
  });
  const token = (port: number): GateOptions => ({
    prometheusUrl: `http://127.0.0.1:${port}/`,
    env: { PROMETHEUS_BEARER_TOKEN: 's3cret-token' },
  });

  it.each([
    ['an error that repeats the request', password],
    ['an error that repeats the request', token],
    ['a page that repeats the request', token],
    ['a redirect', password],
  ])('%s, with a %o', async (kind, way) => {
    const options = way(portOf(await aSource(answers[kind]!)));
    const env = { ...options.env, PROMETHEUS_HEADERS: 'X-Scope-Token: s3cret-header', LOG_LEVEL: 'debug' };
    const gate = await startGate({ ...options, env, slos: [sloDocument()] });
    const answer = await gate.decide(slo, true);
    expect(answer).toMatchObject({ decision: 'WARN', reasonCodes: ['query_failed'] });
    const bodies = await Promise.all(
      ['/v1/status', `/v1/evaluations/${answer.evaluationID}`, '/v1/audit', '/v1/state/api-gateway/production'].map(
        async (path) => (await gate.get(path)).body,
      ),
    );
    const metrics = await (await fetch(`${gate.url}/metrics`)).text();
    await gate.stop();
    const said = [gate.log(), JSON.stringify([answer, ...bodies]), metrics, readFileSync(gate.db, 'latin1')].join('\n');
    expect(said).toContain('query failed');
    expect([...secrets, btoa('user:s3cret-password')].filter((secret) => said.includes(secret))).toEqual([]);
  });
});

it('who asks at the start is answered ahead of three hundred SLOs that wait', async () => {
  const source = await aSource((_, response) => {
    setTimeout(() => response.writeHead(400).end('no'), 100);
  });
  const ids = Array.from({ length: 300 }, (_, index) => `service-${String(index).padStart(3, '0')}`);
  const gate = await startGate({
    prometheusUrl: `http://127.0.0.1:${portOf(source)}`,
    slos: ids.map((id) => sloDocument({ id, interval: '1h' })),
    args: ['--evaluation-concurrency', '1', '--prometheus-attempts', '1'],
  });
  const evaluated = () => gate.lines().filter(({ message }) => String(message).startsWith('Evaluated SLO ')).length;
  const before = evaluated();
  const answer = await gate.decide(ids.at(-1)!);
  expect(answer).toMatchObject({ decision: 'WARN', reasonCodes: ['query_failed'] });
  expect(before).toBeLessThan(200);
  expect(evaluated() - before).toBeLessThan(20);
});

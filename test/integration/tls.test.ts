import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { request as httpsRequest, Agent } from 'node:https';
import { join } from 'node:path';
import { connect as connectTcp } from 'node:net';
import { connect, type PeerCertificate } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { aegis } from '../cli/aegis.ts';
import { createAuthority, type Authority, type Issued } from '../support/authority.ts';
import { eventually } from '../support/eventually.ts';
import { start, type Running } from '../support/running.ts';
import { scratch } from '../support/scratch.ts';
import { sloDocument } from '../support/slo.ts';

const program = fileURLToPath(new URL('../../dist/server.js', import.meta.url));
const healthy = { good: 9995, total: 10_000 };
const fixture = { windows: { '5m': healthy, '1h': healthy, '6h': healthy, '30d': healthy } };

interface TlsServer {
  readonly running: Running;
  readonly port: number;
  readonly put: (issued: Partial<Pick<Issued, 'cert' | 'key'>>) => void;
  readonly lines: () => readonly Record<string, unknown>[];
}

/** The built server with a certificate of the authority, in files that the test replaces. */
async function tlsServer(first: Issued, args: readonly string[] = []): Promise<TlsServer> {
  const cwd = scratch();
  const [certFile, keyFile] = [join(cwd, 'tls.crt'), join(cwd, 'tls.key')];
  const replace = (file: string, text: string) => {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  };
  const put: TlsServer['put'] = ({ cert, key }) => {
    if (cert !== undefined) replace(certFile, cert);
    if (key !== undefined) replace(keyFile, key);
  };
  put(first);
  for (const directory of ['slos', 'fixtures']) mkdirSync(join(cwd, directory));
  writeFileSync(join(cwd, 'slos', 'a.yaml'), JSON.stringify(sloDocument()));
  writeFileSync(join(cwd, 'fixtures', 'api-availability.json'), JSON.stringify(fixture));
  const running = start(
    process.execPath,
    [
      ...[program, '--slo-dir', 'slos', '--adapter', 'synthetic', '--synthetic-fixtures', 'fixtures'],
      ...['--host', '127.0.0.1', '--port', '0', '--tls-cert', certFile, '--tls-key', keyFile, ...args],
    ],
    { cwd, env: { PATH: process.env.PATH } },
  );
  onTestFinished(async () => {
    expect(await running.stop()).toBe(0);
  });
  const [, port] = await eventually(() => {
    const found = /listening on https:\/\/127\.0\.0\.1:(\d+)/.exec(running.output());
    if (found === null) throw new Error(`not listening:\n${running.output()}`);
    return found;
  }, 100_000);
  const lines = () =>
    running
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { running, port: Number(port), put, lines };
}

interface Told {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

const body = '{"sloID":"api-availability"}';

function ask(port: number, agent: Agent, path = '/v1/gate/decision'): Promise<Told> {
  return new Promise((resolve, reject) => {
    const method = path === '/v1/gate/decision' ? 'POST' : 'GET';
    const request = httpsRequest({ host: '127.0.0.1', port, path, method, agent, timeout: 30_000 }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text, headers: response.headers }));
    });
    request.on('error', reject);
    request.end(method === 'POST' ? body : undefined);
  });
}

/** The name in the certificate that a new connection is shown. */
function shownTo(port: number, ca: string, options: Partial<Issued> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca, cert: options.cert, key: options.key }, () => {
      const { subject }: PeerCertificate = socket.getPeerCertificate();
      socket.destroy();
      resolve(String(subject.CN));
    });
    socket.on('error', reject);
  });
}

function agentOf(authority: Authority, options: ConstructorParameters<typeof Agent>[0] = {}): Agent {
  const agent = new Agent({ ca: authority.ca, ...options });
  onTestFinished(() => agent.destroy());
  return agent;
}

describe('certificates that are swapped under load', () => {
  it('fail no request of clients that keep their connections, nor of new ones, which see the new certificate', async () => {
    const authority = createAuthority(scratch());
    const generations = Array.from({ length: 6 }, (_, index) => authority.issue(`generation-${index}`));
    const [first, ...later] = generations;
    if (first === undefined) throw new Error('there is a first one');
    const server = await tlsServer(first);
    const [kept, fresh] = [agentOf(authority, { keepAlive: true, maxSockets: 4 }), agentOf(authority)];
    const failed: unknown[] = [];
    let asked = 0;
    let isOver = false;
    const askOn = async (agent: Agent) => {
      while (!isOver) {
        asked += 1;
        const told = await ask(server.port, agent).catch((error: unknown) => ({ status: 0, text: String(error) }));
        if (told.status !== 200 || !told.text.includes('"decision":"ALLOW"')) failed.push(told);
      }
    };
    const clients = [kept, kept, kept, kept, fresh, fresh].map(askOn);
    for (const [index, next] of later.entries()) {
      // The halves in either order, with a look of the server in between.
      const halves = [{ cert: next.cert }, { key: next.key }];
      for (const half of index % 2 === 0 ? halves : halves.reverse()) {
        server.put(half);
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
      if (index === 0) server.running.process.kill('SIGHUP');
      await eventually(async () => expect(await shownTo(server.port, authority.ca)).toBe(`generation-${index + 1}`));
    }
    isOver = true;
    await Promise.all(clients);
    expect(failed).toEqual([]);
    expect(asked).toBeGreaterThan(50);
    // What was resumed or kept open is no reason for the old certificate: nobody new sees it.
    expect(await shownTo(server.port, authority.ca)).toBe('generation-5');
    // Each connection was let go of, that of TCP and that of TLS on it.
    kept.destroy();
    await eventually(async () => {
      expect((await ask(server.port, fresh, '/metrics')).text).toMatch(/^aegis_http_connections 1$/m);
    });
  });

  it('stay where half of a pair is replaced, with a metric and a line that say so, until the other half comes', async () => {
    const authority = createAuthority(scratch());
    const server = await tlsServer(authority.issue('first'));
    const agent = agentOf(authority);
    const next = authority.issue('next');
    const metrics = async () => (await ask(server.port, agent, '/metrics')).text;
    expect(await metrics()).toContain('aegis_last_reload_success{what="certificates"} 1');
    server.put({ key: next.key });
    await eventually(async () => {
      expect(await metrics()).toContain('aegis_last_reload_success{what="certificates"} 0');
    });
    expect(await shownTo(server.port, authority.ca)).toBe('first');
    expect(JSON.stringify(server.lines())).toContain('certificates not taken, the earlier ones stay: ');
    server.put({ cert: next.cert });
    await eventually(async () => expect(await shownTo(server.port, authority.ca)).toBe('next'));
    const text = await metrics();
    expect(text).toContain('aegis_last_reload_success{what="certificates"} 1');
    expect(text).toMatch(/aegis_tls_certificate_expiry_timestamp_seconds\{certificate="server"\} 1\d{9}/);
  });
});

describe('a client certificate', () => {
  it('is asked for and checked: right, wrong, expired, none', async () => {
    const [authority, stranger] = [createAuthority(scratch()), createAuthority(scratch(), 'stranger')];
    const server = await tlsServer(authority.issue('server'), ['--tls-client-ca', authority.caFile]);
    const { port } = server;
    const right = agentOf(authority, { ...pair(authority.issue('pipeline')), keepAlive: true });
    expect(await ask(port, right)).toMatchObject({ status: 200 });
    await expect(ask(port, agentOf(authority, pair(stranger.issue('pipeline'))))).rejects.toThrow();
    await expect(ask(port, agentOf(authority, pair(authority.issue('late', -1))))).rejects.toThrow();
    await expect(ask(port, agentOf(authority))).rejects.toThrow();
    // Health checks have no certificate either: they go by another way (docs/operations.md).
    await expect(ask(port, agentOf(authority), '/healthz')).rejects.toThrow();
    expect(await ask(port, right)).toMatchObject({ status: 200 });
    const { text } = await ask(port, right, '/metrics');
    expect(text).toContain('aegis_tls_certificate_expiry_timestamp_seconds{certificate="client_ca"}');
    await eventually(() => {
      expect(server.lines().map(({ message }) => message)).toContain('TLS handshake failed');
    });
  });
});

describe('garbage in place of TLS', () => {
  it('and handshakes that never end are let go, and a polite client is answered meanwhile', async () => {
    const authority = createAuthority(scratch());
    const { port, lines } = await tlsServer(authority.issue('server'), ['--max-connections', '100']);
    const open = new Set<number>();
    const abuse = (bytes: Buffer, index: number) => {
      const socket = connectTcp({ port, host: '127.0.0.1', localAddress: '127.0.0.2' }, () => socket.write(bytes));
      open.add(index);
      socket.on('error', () => undefined);
      socket.resume();
      socket.on('close', () => open.delete(index));
    };
    const hello = Buffer.from('1603010200010001fc0303', 'hex');
    for (let index = 0; index < 300; index += 1)
      abuse(index % 2 === 0 ? hello : Buffer.from('GET / HTTP/1.1\r\n\r\n'), index);
    const [kept, fresh] = [agentOf(authority, { keepAlive: true }), agentOf(authority)];
    do {
      for (const agent of [kept, fresh]) expect(await ask(port, agent)).toMatchObject({ status: 200 });
      await new Promise((resolve) => setTimeout(resolve, 50));
    } while (open.size > 0);
    // One line of the client (and one of those that had gone), not one of each handshake.
    await eventually(() => {
      const said = lines().filter(({ message }) => message === 'TLS handshake failed');
      expect([1, 2]).toContain(said.length);
    });
  });
});

describe('aegis gate', () => {
  it('trusts a private authority and shows its certificate where it is told to', async () => {
    const authority = createAuthority(scratch());
    const { port } = await tlsServer(authority.issue('server'), ['--tls-client-ca', authority.caFile]);
    const own = authority.issue('pipeline');
    const gate = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
      aegis(['gate', '--slo', 'api-availability', '--server', `https://127.0.0.1:${port}`, ...args], env);
    const files = ['--ca-file', authority.caFile, '--cert-file', own.certFile, '--key-file', own.keyFile];
    expect(await gate(files)).toMatchObject({ code: 0, err: '' });
    expect(await gate(files.slice(2), { AEGIS_CA_FILE: authority.caFile })).toMatchObject({ code: 0, err: '' });
    expect(await gate(files.slice(2))).toMatchObject({
      code: 3,
      err: expect.stringContaining('trust its authority with --ca-file') as unknown,
    });
    expect(await gate(['--ca-file', own.keyFile])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--ca-file: holds no certificate') as unknown,
    });
    const soon = ['--timeout', '1s'];
    expect(await gate(files.slice(0, 2).concat(soon))).toMatchObject({
      code: 3,
      err: expect.stringContaining('does it ask for a client certificate') as unknown,
    });
    expect(await gate(['--server', `http://127.0.0.1:${port}`, ...soon])).toMatchObject({
      code: 3,
      err: expect.stringContaining('does it speak https?') as unknown,
    });
    expect(await gate(files.slice(0, 4))).toMatchObject({
      code: 2,
      err: expect.stringContaining('--key-file') as unknown,
    });
  });
});

describe('the server with a certificate', () => {
  it('that has expired starts, and says so', async () => {
    const authority = createAuthority(scratch());
    const server = await tlsServer(authority.issue('late', -1));
    await eventually(() => {
      const message = expect.stringContaining('the server certificate CN=late expired at ') as unknown;
      expect(server.lines()).toContainEqual(
        expect.objectContaining({ message, level: 'error', component: 'tls', certificate: 'server' }),
      );
    });
    const trusting = agentOf(authority, { rejectUnauthorized: false });
    expect(await ask(server.port, trusting, '/healthz')).toMatchObject({ status: 200 });
  });

  it('speaks TLS 1.2 and 1.3 only, nothing plain, and tells browsers to stay with it', async () => {
    const authority = createAuthority(scratch());
    const { port } = await tlsServer(authority.issue('server'));
    const ca = authority.ca;
    const spoken = (version: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3') => {
      // OpenSSL's own defaults would not offer the old one.
      const options = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' };
      return ask(port, agentOf(authority, options), '/healthz').then(
        ({ status }) => status,
        () => 'refused',
      );
    };
    expect([await spoken('TLSv1.1'), await spoken('TLSv1.2'), await spoken('TLSv1.3')]).toEqual(['refused', 200, 200]);
    const plain = await new Promise<string>((resolve) => {
      const socket = connectTcp(port, '127.0.0.1', () => socket.write('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n'));
      let text = '';
      socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(text));
    });
    expect(plain).not.toContain('HTTP/1.1 200');
    const page = await ask(port, agentOf(authority, { ca }), '/docs/');
    expect(page.headers).toMatchObject({ 'strict-transport-security': 'max-age=31536000' });
  });
});

function pair({ cert, key }: Issued): { cert: string; key: string } {
  return { cert, key };
}

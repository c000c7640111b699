import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { aegis } from '../cli/aegis.ts';
import { eventually } from '../support/eventually.ts';
import { createGate, type GateServer } from '../support/gate-server.ts';
import { keysFileText } from '../support/keyed-access.ts';
import { scratch } from '../support/scratch.ts';
import { sloDocument } from '../support/slo.ts';

const program = fileURLToPath(new URL('../../dist/server.js', import.meta.url));

let gate: GateServer | undefined;
afterEach(async () => {
  await gate?.remove();
  gate = undefined;
});

/** The built server with a file of keys that `aegis keys` made. */
async function start(keysFile: string, ...args: string[]): Promise<GateServer> {
  gate = await createGate({ slos: [sloDocument()], args: ['--api-keys-file', keysFile, ...args] });
  await gate.start();
  return gate;
}

const statusOf = async (url: string, token: string) =>
  (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status;

describe('a server with a file of keys', () => {
  it('lets in who has one, from when it is made until it is revoked, without a restart', async () => {
    const file = join(scratch(), 'keys.yaml');
    const made = await aegis(['keys', 'create', '--file', file, '--id', 'first', '--scope', 'read']);
    expect(made.code).toBe(0);
    const first = made.out.trim();
    const server = await start(file);
    const { url } = server;
    const log = () => server.log();
    expect(await statusOf(`${url}/v1/slo`, first)).toBe(200);
    expect((await fetch(`${url}/v1/slo`)).status).toBe(401);
    expect((await fetch(`${url}/metrics`)).status).toBe(401);
    const second = (await aegis(['keys', 'create', '--file', file, '--scope', 'admin'])).out.trim();
    await eventually(() => expect(log()).toContain(': 2 valid API keys'));
    expect(await statusOf(`${url}/v1/slo`, second)).toBe(200);
    expect((await aegis(['keys', 'revoke', '--file', file, '--id', 'first'])).code).toBe(0);
    await eventually(() => expect(log().match(/: 1 valid API key"/g)).toHaveLength(2));
    expect(await statusOf(`${url}/v1/slo`, first)).toBe(401);
    // A broken file takes nothing away.
    const sound = readFileSync(file, 'utf8');
    writeFileSync(file, `${sound}  - id: broken\n`);
    const metrics = () => fetch(`${url}/metrics`, { headers: { 'x-api-key': second } }).then((answer) => answer.text());
    await eventually(async () => expect(await metrics()).toContain('aegis_last_reload_success{what="keys"} 0'));
    const order = { method: 'POST', headers: { 'x-api-key': second } };
    const reload = async () => (await (await fetch(`${url}/admin/reload`, order)).json()) as { keys: unknown };
    expect((await reload()).keys).toMatchObject({
      outcome: 'kept',
      message: expect.stringMatching(/keys\[2\]: hash/) as unknown,
    });
    writeFileSync(file, sound);
    expect((await reload()).keys).toMatchObject({ outcome: 'ok' });
    expect(await metrics()).toContain('aegis_last_reload_success{what="keys"} 1');
    expect(await metrics()).toContain('aegis_auth_failures_total{reason="revoked"}');
  });

  it('warns where others can read the file of keys, not of issuers, and opens /metrics where it is told to', async () => {
    const file = join(scratch(), 'keys.yaml');
    writeFileSync(file, keysFileText({ a: { scopes: ['read'] } }).text);
    chmodSync(file, 0o644);
    const issuers = join(scratch(), 'oidc.yaml');
    writeFileSync(issuers, 'issuers: []\n');
    chmodSync(issuers, 0o644);
    const server = await start(file, '--open-metrics', 'true', '--oidc-file', issuers);
    expect((await fetch(`${server.url}/metrics`)).status).toBe(200);
    const warning = expect.stringContaining('can be read by other users (mode 0644)') as unknown;
    expect(server.lines()).toContainEqual(expect.objectContaining({ level: 'warn', message: warning }));
    await eventually(() => expect(server.log()).toContain(`read ${issuers}`));
    expect(server.log()).not.toContain(`${issuers} can be read`);
  });

  it.each([
    ['is missing', undefined, 'there is no such file'],
    ['is broken', 'keys:\n  - id: a\n', ':2:5: keys[0]: hash is missing'],
  ])('that %s does not start: exit code 2 and one line', (_, text, message) => {
    const directory = scratch();
    const file = join(directory, 'keys.yaml');
    if (text !== undefined) writeFileSync(file, text);
    const args = [program, '--slo-dir', directory, '--port', '0', '--api-keys-file', file];
    const ran = spawnSync(process.execPath, args, { encoding: 'utf8', cwd: directory, timeout: 60_000 });
    expect(ran.status).toBe(2);
    expect(ran.stderr).toMatch(/^aegis-server: --api-keys-file: [^\n]*\n$/);
    expect(ran.stderr).toContain(message);
    expect(ran.stdout).toBe('');
  });
});

describe('the admin socket', () => {
  const onSocket = (path: string, ...words: string[]) =>
    spawnSync('curl', ['-sS', '--max-time', '20', '--unix-socket', path, ...words], {
      encoding: 'utf8',
      timeout: 30_000,
    });

  it('takes orders from its user, stands in the audit, is replaced after a kill, and goes at the stop', async () => {
    const path = join(scratch(), 'admin.sock');
    gate = await createGate({ slos: [sloDocument()], args: ['--admin-socket', path] });
    await gate.start();
    await gate.kill();
    expect(existsSync(path)).toBe(true); // left behind
    await gate.start();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const ran = onSocket(path, '-X', 'POST', 'http://aegis/admin/reload');
    expect(JSON.parse(ran.stdout)).toMatchObject({ slos: { outcome: 'ok', loaded: 1 } });
    expect(onSocket(path, 'http://aegis/v1/slo').stdout).toContain('api-availability');
    const orders = () => onSocket(path, 'http://aegis/v1/audit/orders').stdout;
    await eventually(() =>
      expect(JSON.parse(orders())).toMatchObject({
        records: [{ order: 'POST /admin/reload', caller: 'admin-socket', address: 'unix' }],
      }),
    );
    expect(gate.lines()).toContainEqual(expect.objectContaining({ message: 'order', caller: 'admin-socket' }));
    expect(await gate.stop()).toBe(0);
    expect(existsSync(path)).toBe(false);
  });

  it('is ended by a stop as the port is, with what waits on it', async () => {
    const path = join(scratch(), 'admin.sock');
    gate = await createGate({ slos: [sloDocument()], args: ['--admin-socket', path] });
    await gate.start();
    const idle = connect(path);
    await once(idle, 'connect');
    const closed = once(idle, 'close');
    idle.on('error', () => undefined);
    expect(await gate.stop()).toBe(0);
    await closed;
  });

  it.each([
    ['a file', (path: string) => writeFileSync(path, 'precious'), 'a file that is no socket'],
    ['a directory that is not there', () => undefined, 'its directory does not exist', 'nowhere/admin.sock'],
    ['a path that is too long', () => undefined, 'longer than 103 bytes', 'x'.repeat(200)],
  ])('on %s ends the start with the reason', async (_, make, reason, name = 'admin.sock') => {
    const path = join(scratch(), name);
    make(path);
    gate = await createGate({ slos: [sloDocument()], args: ['--admin-socket', path] });
    await expect(gate.start()).rejects.toThrow(reason);
    expect(gate.process().exitCode).toBe(1);
    if (name === 'admin.sock') expect(readFileSync(path, 'utf8')).toBe('precious');
  });

  it('that another server has is left to it', async () => {
    const path = join(scratch(), 'admin.sock');
    gate = await createGate({ slos: [sloDocument()], args: ['--admin-socket', path] });
    await gate.start();
    const second = await createGate({ slos: [sloDocument()], args: ['--admin-socket', path] });
    await expect(second.start()).rejects.toThrow('another process listens there');
    await second.remove();
    expect(onSocket(path, 'http://aegis/healthz').stdout).toBe('{"status":"ok"}');
  });
});

describe('a server without keys', () => {
  it('warns once where other machines can reach it, and takes no orders', async () => {
    gate = await createGate({ slos: [sloDocument()], args: ['--host', '0.0.0.0'] });
    await gate.start();
    const warnings = gate.lines().filter(({ message }) => String(message).startsWith('nobody needs a key'));
    expect(warnings).toHaveLength(1);
    const answer = await fetch(`${gate.url}/admin/reload`, { method: 'POST' });
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ error: expect.stringContaining('--admin-socket') as unknown });
  });
});

import { spawnSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync, statSync, symlinkSync, truncateSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { createGate, type GateServer } from '../support/gate-server.ts';
import { sloDocument } from '../support/slo.ts';

let gate: GateServer | undefined;
afterEach(() => gate?.remove());

async function startGate(file: string, ...args: string[]): Promise<{ gate: GateServer; path: string }> {
  const made = await createGate({ slos: [sloDocument()], args: ['--log-file', file, ...args] });
  gate = made;
  const path = join(made.directory, file);
  await mkdir(join(path, '..'), { recursive: true });
  return { gate: made, path };
}

const linesOf = (path: string) =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** Asks with an id of its own, so that its line can be found. */
async function ask(server: GateServer, id: string): Promise<void> {
  const response = await fetch(`${server.url}/v1/slo`, { headers: { 'x-request-id': id } });
  expect(response.status).toBe(200);
}

test('the log is in the file, for its owner and group alone, and nothing of it on standard output', async () => {
  const { gate, path } = await startGate('logs/aegis.log');
  await gate.start();
  await ask(gate, 'one');
  expect(await gate.stop()).toBe(0);
  expect(gate.log()).toBe('');
  expect(statSync(path).mode & 0o777).toBe(0o640);
  const messages = linesOf(path).map(({ message }) => message);
  expect(messages).toContain('Loaded 1 SLOs');
  expect(messages.at(-1)).toContain('SIGTERM received');
  expect(linesOf(path).filter((line) => line.request_id === 'one')).toHaveLength(1);
});

test('no line is lost when logrotate moves it and sends SIGHUP, again and again, under requests', async () => {
  const { gate, path } = await startGate('aegis.log');
  await gate.start();
  let asked = 0;
  let isAsking = true;
  const asking = Promise.all(
    Array.from({ length: 4 }, async () => {
      while (isAsking) await ask(gate, `r${asked++}`);
    }),
  );
  const files = [path];
  for (let i = 1; i <= 5; i++) {
    const seen = asked;
    await eventually(() => expect(asked).toBeGreaterThan(seen + 20));
    renameSync(path, `${path}.${i}`);
    files.push(`${path}.${i}`);
    gate.process().kill('SIGHUP');
    await eventually(() => expect(linesOf(path).length).toBeGreaterThan(0));
  }
  isAsking = false;
  await asking;
  await gate.stop();
  const ids = files.flatMap(linesOf).flatMap((line) => (line.route === '/v1/slo' ? [line.request_id] : []));
  expect(ids.sort()).toEqual(Array.from({ length: asked }, (_, i) => `r${i}`).sort());
});

test('a file that is cut to nothing (copytruncate) grows from its start', async () => {
  const { gate, path } = await startGate('aegis.log');
  await gate.start();
  await eventually(() => expect(linesOf(path).length).toBeGreaterThan(1));
  truncateSync(path);
  await ask(gate, 'after');
  await gate.stop();
  expect(readFileSync(path, 'utf8')[0]).toBe('{');
  expect(linesOf(path).map((line) => line.request_id)).toContain('after');
});

test('a deleted directory costs lines, told of on standard error, and not the server; back again, it goes on', async () => {
  const { gate, path } = await startGate('logs/aegis.log');
  await gate.start();
  rmSync(join(path, '..'), { recursive: true });
  await ask(gate, 'waits');
  await eventually(() => expect(gate.log()).toMatch(/^aegis-server: cannot write the log file .*ENOENT/));
  expect((await gate.get('/healthz')).status).toBe(200);
  await mkdir(join(path, '..'));
  await eventually(() => expect(linesOf(path).map((line) => line.request_id)).toContain('waits'));
});

test('where it cannot be opened again, it goes on in the old file', async () => {
  const { gate, path } = await startGate('logs/aegis.log');
  await gate.start();
  renameSync(join(path, '..'), join(gate.directory, 'moved'));
  gate.process().kill('SIGHUP');
  await eventually(() => expect(gate.log()).toMatch(/^aegis-server: cannot open the log file .* again: ENOENT/));
  await ask(gate, 'after');
  await gate.stop();
  const moved = linesOf(join(gate.directory, 'moved', 'aegis.log'));
  expect(moved.map((line) => line.request_id)).toContain('after');
});

test('a full disk neither stops nor delays the server; with space again, what waited is written', async () => {
  const { gate, path } = await startGate('aegis.log', '--log-level', 'debug');
  symlinkSync('/dev/full', path);
  await gate.start();
  for (let i = 0; i < 50; i++) await ask(gate, `r${i}`);
  await eventually(() => expect(gate.log()).toMatch(/^aegis-server: cannot write the log file .*ENOSPC/));
  expect(gate.log().trim().split('\n')).toHaveLength(1); // once a minute
  rmSync(path);
  gate.process().kill('SIGHUP');
  const ids = () => linesOf(path).flatMap((line) => (line.route === '/v1/slo' ? [line.request_id] : []));
  await eventually(() => expect(ids()).toEqual(Array.from({ length: 50 }, (_, i) => `r${i}`)));
});

test('where it cannot be opened at the start, that ends with exit code 2 and a line that says what to do', async () => {
  const { gate } = await startGate('aegis.log');
  const program = new URL('../../dist/server.js', import.meta.url).pathname;
  for (const [file, why] of [
    ['nowhere/aegis.log', 'ENOENT'],
    ['slos', 'EISDIR'],
  ] as const) {
    const args = [program, '--slo-dir', 'slos', '--adapter', 'synthetic', '--log-file', file];
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: gate.directory, encoding: 'utf8' });
    expect([status, stderr.split('\n').length]).toEqual([2, 2]);
    expect(stderr).toMatch(
      new RegExp(`^aegis-server: --log-file: cannot open ${file}: ${why}: .*: it has to be a file`),
    );
  }
});

test('a start that fails later is said on standard error, too', async () => {
  const { gate, path } = await startGate('aegis.log', '--db', '.');
  await expect(gate.start()).rejects.toThrow('the server ended with 1');
  expect(gate.log()).toMatch(/^aegis-server: .+\n$/);
  expect(linesOf(path).map(({ level }) => level)).toContain('error');
});

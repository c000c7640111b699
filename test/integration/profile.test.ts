import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { createGate, type GateServer } from '../support/gate-server.ts';
import { keysFileText } from '../support/keyed-access.ts';
import { scratch } from '../support/scratch.ts';
import { sloDocument } from '../support/slo.ts';

let gate: GateServer | undefined;
afterEach(() => gate?.remove());

test('profiles are taken one at a time while decisions go on, and are written down', async () => {
  const file = join(scratch(), 'keys.yaml');
  const { text, tokenOf } = keysFileText({ admin: { scopes: ['admin'] } });
  writeFileSync(file, text, { mode: 0o600 });
  const server = await createGate({ slos: [sloDocument()], args: ['--api-keys-file', file] });
  gate = server;
  await server.start();
  const headers = { authorization: `Bearer ${tokenOf('admin')}` };
  const order = (path: string, init: RequestInit = {}) =>
    fetch(`${server.url}/admin/profile/${path}`, { method: 'POST', headers, ...init });
  const decide = () =>
    fetch(`${server.url}/v1/gate/decision`, { method: 'POST', headers, body: '{"sloID":"api-availability"}' });

  /** Until an order is being carried out beside the request that asks. */
  const begun = () =>
    eventually(async () => {
      const stats = (await (await fetch(`${server.url}/stats`, { headers })).json()) as { requests: { open: number } };
      expect(stats.requests.open).toBe(2);
    });

  const state = { isTaken: false };
  const taking = order('cpu?seconds=2').finally(() => (state.isTaken = true));
  await begun();
  let answered = 0;
  const other = await order('heap?seconds=1');
  expect([other.status, await other.json()]).toMatchObject([409, { code: 'profile_running' }]);
  while (!state.isTaken) {
    expect((await decide()).status).toBe(200);
    answered += 1;
  }
  expect(answered).toBeGreaterThan(10);
  const answer = await taking;
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-disposition')).toMatch(/^attachment; filename="aegis-\d{8}T\d{6}Z\.cpuprofile"$/);
  const cpu = (await answer.json()) as {
    nodes: { callFrame: { url: string } }[];
    samples: number[];
    timeDeltas: number[];
    startTime: number;
    endTime: number;
  };
  expect(cpu.endTime - cpu.startTime).toBeGreaterThan(1_900_000);
  expect(cpu.samples.length).toBe(cpu.timeDeltas.length);
  expect(cpu.nodes.some(({ callFrame }) => callFrame.url.endsWith('/dist/server-program.cjs'))).toBe(true);

  // A server that allocates nothing meanwhile has an empty one: its form is what counts.
  const heap: unknown = await (await order('heap?seconds=1')).json();
  const head = { callFrame: { functionName: '(root)' } };
  expect(heap).toMatchObject({ head, samples: expect.any(Array) as unknown });

  // Whoever does not wait for a profile does not keep others from taking one.
  const leaving = new AbortController();
  const left = order('cpu?seconds=60', { signal: leaving.signal }).catch(() => 'left');
  await begun();
  leaving.abort();
  await left;
  await eventually(async () => expect((await order('cpu?seconds=1')).status).toBe(200));

  const orders = server.lines().filter(({ message }) => message === 'order');
  expect(orders.map((line) => line.outcome)).toEqual([
    'cpu profile taken',
    'heap profile taken',
    'ended early: nobody waited for it',
    'cpu profile taken',
  ]);
});

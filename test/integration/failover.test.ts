import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Agent, fetch } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority } from '../support/authority.ts';
import { eventually } from '../support/eventually.ts';
import { type Answer, createGate, type GateServer } from '../support/gate-server.ts';
import { allScenarios } from '../support/metric-scenarios.ts';
import { startNginx, type TestNginx } from '../support/nginx.ts';
import { freePort, startPrometheus, type TestPrometheus } from '../support/prometheus.ts';
import { scenarioSlo } from '../support/scenario-slo.ts';
import { lacks } from '../support/services.ts';

const intervalSeconds = 2;
const expected = { healthy: 'ALLOW', 'fast-burn': 'BLOCK' } as const;
const ids = Object.keys(expected) as (keyof typeof expected)[];
const clients = 8;

/** What a client got, or why it got nothing. */
type Heard = { readonly sloId: keyof typeof expected; readonly forced: boolean } & (
  { readonly status: number; readonly answer: Answer } | { readonly failure: string }
);

describe.skipIf(lacks('prometheus', 'promtool', 'nginx', 'openssl'))(
  'a pair behind the nginx of examples/nginx',
  () => {
    let directory: string;
    let prometheus: TestPrometheus;
    let active: GateServer;
    let replica: GateServer;
    let nginx: TestNginx;
    let tlsUrl: string;
    let ca: string;

    beforeAll(async () => {
      directory = mkdtempSync(join(tmpdir(), 'aegis-failover-'));
      const wanted = new Set<string>(ids);
      prometheus = await startPrometheus({
        series: allScenarios().filter((one) => wanted.has(one.labels.scenario ?? '')),
      });
      const slos = ids.map((id) => scenarioSlo(id, { interval: `${intervalSeconds}s` }));
      const args = ['--trusted-proxy', '127.0.0.1', '--shutdown-delay', '500ms'];
      active = await createGate({ prometheusUrl: prometheus.url, slos, args });
      replica = await createGate({
        prometheusUrl: prometheus.url,
        slos,
        db: active.db,
        args: [...args, '--read-only'],
      });
      await Promise.all([active.start(), replica.start()]);
      const [port, tlsPort] = [await freePort(), await freePort()];
      const authority = createAuthority(directory);
      ca = authority.ca;
      tlsUrl = `https://127.0.0.1:${tlsPort}`;
      nginx = await startNginx({
        ...{ directory, port, upstreams: [active.port, replica.port] },
        tls: { port: tlsPort, ...authority.issue('nginx') },
      });
      await eventually(() => answeredBy('active'));
      await Promise.all(ids.map((id) => replica.waitFor(id, expected[id])));
      await Promise.all(ids.map((id) => active.waitFor(id, expected[id])));
    });
    afterAll(async () => {
      await nginx.stop();
      await Promise.all([active.remove(), replica.remove(), prometheus.stop()]);
      rmSync(directory, { recursive: true, force: true });
    });

    async function answeredBy(role: 'active' | 'replica'): Promise<void> {
      const response = await fetch(`${nginx.url}/readyz`, { signal: AbortSignal.timeout(10_000) });
      expect(await response.json()).toMatchObject({ ready: true, role });
    }

    async function ask(sloId: keyof typeof expected, forced: boolean): Promise<Heard> {
      try {
        const response = await fetch(`${nginx.url}/v1/gate/decision`, {
          method: 'POST',
          body: JSON.stringify({ sloID: sloId, ...(forced && { forceFresh: true }) }),
          signal: AbortSignal.timeout(10_000),
        });
        return { sloId, forced, status: response.status, answer: (await response.json()) as Answer };
      } catch (error) {
        return { sloId, forced, failure: String(error) };
      }
    }

    /** Eight clients ask without a pause while something happens; every twentieth question is a forced one. */
    async function askWhile(happening: () => Promise<void>): Promise<readonly Heard[]> {
      const heard: Heard[] = [];
      let isOver = false;
      const client = async (number: number) => {
        for (let n = 0; !isOver; n++) {
          const [sloId] = ids.slice((n + number) % ids.length);
          if (sloId !== undefined) heard.push(await ask(sloId, n % 20 === 0));
          await wait(5); // two cores are shared by six processes
        }
      };
      const asking = Array.from({ length: clients }, (_, number) => client(number));
      try {
        await happening();
      } finally {
        isOver = true;
        await Promise.all(asking);
      }
      return heard;
    }

    function expectRight(heard: readonly Heard[]): void {
      expect(heard.length).toBeGreaterThan(100);
      const wrong = heard.filter((one) => {
        if ('failure' in one || one.status !== 200) return true;
        const { decision, age, timestamp } = one.answer;
        const isInTime = age <= 2 * intervalSeconds && Date.now() - Date.parse(timestamp) < 60_000;
        return decision !== expected[one.sloId] || !isInTime;
      });
      expect(wrong).toEqual([]);
    }

    const auditedOf = (heard: readonly Heard[]) =>
      heard.map((one) => ('answer' in one ? one.answer.audited : undefined));

    it('killed under load, the active server is replaced and takes over again: no request fails', async () => {
      const heard = await askWhile(async () => {
        await wait(500);
        await active.kill();
        await eventually(() => answeredBy('replica'));
        await wait(500);
        await active.start();
        await eventually(() => answeredBy('active'));
        await wait(500);
      });
      expectRight(heard);
      // Both have answered: only an active server writes a row of a forced evaluation.
      expect(auditedOf(heard)).toEqual(expect.arrayContaining([true, false]));
      // What was asked of the killed one is in its audit, which the replica reads.
      expect((await replica.get('/v1/audit?limit=1')).body).toMatchObject({ total: 1 });
    });

    it('stopped under load, it drains: no request fails', async () => {
      const heard = await askWhile(async () => {
        await wait(300);
        expect(await active.stop()).toBe(0);
        await eventually(() => answeredBy('replica'));
        await wait(300);
      });
      expectRight(heard);
      expect(active.log()).not.toContain('cut off');
      await active.start();
      await eventually(() => answeredBy('active'));
    });

    it('passes on who asked, by which way, and the id of the request', async () => {
      const dispatcher = new Agent({ connect: { ca } });
      const response = await fetch(`${tlsUrl}/v1/gate/decision`, {
        ...{ dispatcher, method: 'POST', body: '{"sloID":"healthy"}' },
        headers: { 'x-forwarded-for': '203.0.113.9', 'x-request-id': 'of-the-caller' },
      });
      expect(response.status).toBe(200);
      expect(response.headers.get('x-request-id')).toBe('of-the-caller');
      await dispatcher.close();
      // What a client says of itself is not believed.
      await eventually(() =>
        expect(active.lines()).toContainEqual(
          expect.objectContaining({ message: 'request', request_id: 'of-the-caller', client: '127.0.0.1' }),
        ),
      );
    });

    it('lets no order and no metrics through, which are of one server', async () => {
      for (const path of ['/admin/reload', '/admin/drain', '/metrics', '/metrics/system']) {
        expect((await fetch(nginx.url + path, { method: 'POST' })).status).toBe(403);
      }
      expect((await fetch(`${nginx.url}/v1/audit?limit=1`)).status).toBe(200);
    });
  },
);

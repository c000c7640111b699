import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:https';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PrometheusSettings } from '../../../src/config/settings.ts';
import { portOf } from '../../support/exporter.ts';
import { describeWithPrometheus, startPrometheus, type TestPrometheus } from '../../support/prometheus.ts';
import { lacks } from '../../support/services.ts';
import { itMeasuresLikeAnyAdapter } from '../../contract/metrics-adapter.ts';
import { scenarioSlo, startBench, type Bench } from './under-fault.ts';
import { anSlo } from '../../support/slo.ts';

const slo = scenarioSlo('healthy');

describeWithPrometheus('the Prometheus adapter', () => {
  let prometheus: TestPrometheus;
  let directory: string;
  beforeAll(async () => {
    prometheus = await startPrometheus();
    directory = await mkdtemp(join(tmpdir(), 'aegis-secrets-'));
  });
  afterAll(async () => {
    await prometheus.stop();
    await rm(directory, { recursive: true });
  });

  const withBench = async (changes: Partial<PrometheusSettings>, act: (bench: Bench) => Promise<void>) => {
    const bench = await startBench(prometheus.url, changes);
    try {
      await act(bench);
    } finally {
      await bench.close();
    }
  };
  const detailOf = async (bench: Bench) => {
    const [window] = (await bench.measure(slo)).windows;
    if (window?.state !== 'failed') throw new Error(`not failed: ${JSON.stringify(window)}`);
    return window.failure;
  };

  describe('as any adapter', () => {
    const last = (name: string) => ({
      good: `last_over_time(events_good{scenario="${name}"}[{{window}}])`,
      total: `last_over_time(events{scenario="${name}"}[{{window}}])`,
    });
    itMeasuresLikeAnyAdapter(async () => {
      const bench = await startBench(prometheus.url);
      return {
        adapter: bench.adapter,
        healthy: slo,
        noTraffic: anSlo(last('zero')),
        noSeries: anSlo(last('nothing')),
        noGood: scenarioSlo('no-good'),
        negative: anSlo(last('negative-good')),
        stale: scenarioSlo('stopped'),
        breakSource: () => bench.proxy.set('refuse'),
        repairSource: () => bench.proxy.set('pass'),
        close: () => bench.close(),
      };
    });
  });

  it.each([
    [{ username: 'user', password: 'pass:word é' }, `Basic ${Buffer.from('user:pass:word é').toString('base64')}`],
    [{ bearerToken: 'token' }, 'Bearer token'],
  ])('authenticates with %j', async (settings, authorization) => {
    await withBench(settings, async (bench) => {
      await bench.measure(slo);
      expect(bench.proxy.seen[0]?.headers.authorization).toBe(authorization);
    });
  });

  it('has long answers compressed, and short ones as they are', async () => {
    const unsummed = anSlo({
      good: 'rate(http_requests_total{status!~"5.."}[{{window}}])',
      total: 'rate(http_requests_total[{{window}}])',
    });
    await withBench({}, async (bench) => {
      for (const of of [slo, slo, slo, unsummed, unsummed, unsummed]) {
        const { windows } = await bench.measure(of);
        expect(windows.map(({ state }) => state)).toEqual(windows.map(() => 'ok'));
      }
      const asked = bench.proxy.seen.map(({ headers }) => headers['accept-encoding']);
      expect(asked).toEqual(['gzip', 'identity', 'identity', 'gzip', 'gzip', 'gzip']);
    });
  });

  it('sends the extra headers, and keeps path and query of the URL', async () => {
    await withBench({ headers: { 'X-Scope-OrgID': 'tenant-1' } }, async (bench) => {
      await bench.measure(slo);
      expect(bench.proxy.seen[0]?.headers).toMatchObject({ 'x-scope-orgid': 'tenant-1' });
    });
    const bench = await startBench(prometheus.url, {});
    const url = new URL(`${bench.proxy.url}/select/0/prometheus/?deny_partial_response=1`);
    await withBench({ url }, async (inner) => {
      await inner.measure(slo);
      expect(bench.proxy.seen[0]).toMatchObject({
        method: 'POST',
        path: '/select/0/prometheus/api/v1/query?deny_partial_response=1',
      });
      await bench.proxy.set('http-405', { when: ({ method }) => method === 'POST' });
      bench.proxy.forget();
      await inner.measure(slo);
      const [, byGet] = bench.proxy.seen;
      expect(byGet?.method).toBe('GET');
      expect(byGet?.path).toMatch(/^\/select\/0\/prometheus\/api\/v1\/query\?deny_partial_response=1&query=/);
    });
    await bench.close();
  });

  it('keeps its connections, and has no more of them than it may', async () => {
    await withBench({ concurrency: 3 }, async (bench) => {
      const connections = () => new Set(bench.proxy.seen.map(({ fromPort }) => fromPort)).size;
      for (let index = 0; index < 10; index++) await bench.measure(slo);
      expect(bench.proxy.seen.length).toBeGreaterThanOrEqual(10);
      // A second one is opened where a request comes before the pool has seen the end of the one before.
      expect(connections()).toBeLessThanOrEqual(2);
      await Promise.all(Array.from({ length: 30 }, () => bench.measure(slo)));
      expect(bench.proxy.seen.length).toBeGreaterThanOrEqual(40);
      expect(connections()).toBeLessThanOrEqual(3);
    });
  });

  it.each(['http-403', 'http-405', 'http-501'] as const)(
    'asks by GET after %s to POST, and remembers it',
    async (fault) => {
      await withBench({}, async (bench) => {
        await bench.proxy.set(fault, { when: ({ method }) => method === 'POST' });
        expect((await bench.decided(slo)).decision).toBe('ALLOW');
        expect((await bench.decided(slo)).decision).toBe('ALLOW');
        expect(bench.proxy.seen.map(({ method }) => method)).toEqual(['POST', 'GET', 'GET']);
        expect(bench.logged.join()).toContain('from now on it is asked by GET');
        // A proxy that changed its mind is found again.
        await bench.proxy.set(fault, { when: ({ method }) => method === 'GET' });
        expect((await bench.decided(slo)).decision).toBe('ALLOW');
      });
    },
  );

  it('does not remember GET where that fails too', async () => {
    await withBench({}, async (bench) => {
      await bench.proxy.set('http-403');
      await bench.measure(slo);
      await bench.measure(slo);
      expect(bench.proxy.seen.map(({ method }) => method)).toEqual(['POST', 'GET', 'POST', 'GET']);
    });
  });

  it('reads token and password files again for each request', async () => {
    const file = join(directory, 'token');
    await writeFile(file, 'first\n');
    await withBench({ bearerTokenFile: file }, async (bench) => {
      await bench.measure(slo);
      await writeFile(file, 'other\n');
      await bench.measure(slo);
      expect(bench.proxy.seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer first', 'Bearer other']);
      await rm(file);
      expect(await detailOf(bench)).toMatchObject({
        reason: 'auth',
        attempts: 0,
        detail: `cannot read the bearer token file ${file}: no such file`,
      });
    });
    await withBench({ username: 'user', passwordFile: join(directory, 'absent') }, async (bench) => {
      expect((await detailOf(bench)).detail).toContain('password file');
    });
  });

  it('never tells a secret, even where the source repeats it', async () => {
    const secrets = { bearerToken: 'the-secret-token', headers: { 'X-Scope-OrgID': 'the-secret-tenant' } };
    const echo = createEcho();
    const port = await echo.listen();
    await withBench({ ...secrets, url: new URL(`http://127.0.0.1:${port}?token=the-secret-key`) }, async (bench) => {
      const { measurement, reasons } = await bench.decided(slo);
      expect(reasons[0]).toContain('no access for Bearer ***');
      expect(JSON.stringify([measurement, reasons, bench.logged])).not.toContain('the-secret');
    });
    await echo.close();
    await withBench({ bearerToken: 'two\nlines' }, async (bench) => {
      const failure = await detailOf(bench);
      expect(failure.reason).toBe('auth');
      expect(failure.detail).not.toContain('two');
    });
  });

  it('waits as long as Retry-After says, a minute at most, without a request', async () => {
    await withBench({}, async (bench) => {
      await bench.proxy.set('http-429', { retryAfter: '30' });
      expect(await detailOf(bench)).toMatchObject({ reason: 'rate-limited', attempts: 1 });
      await bench.proxy.set('pass');
      bench.proxy.forget();
      const held = await detailOf(bench);
      expect(held).toMatchObject({ reason: 'rate-limited', attempts: 0 });
      expect(held.detail).toMatch(/not asked again for another \d+s/);
      expect(bench.proxy.seen).toEqual([]);
      bench.advance(30_000);
      expect((await bench.decided(slo)).decision).toBe('ALLOW');
      await bench.proxy.set('http-429', { retryAfter: new Date(Date.now() + 3_600_000).toUTCString() });
      await bench.measure(slo);
      await bench.proxy.set('pass');
      expect((await detailOf(bench)).reason).toBe('rate-limited');
      bench.advance(60_000);
      expect((await bench.decided(slo)).decision).toBe('ALLOW');
    });
  });

  it('asks urgent evaluations before scheduled ones, within its bound', async () => {
    await withBench({ concurrency: 1, timeoutMs: 10_000 }, async (bench) => {
      await bench.proxy.set('slow', { delayMs: 300 });
      const order: string[] = [];
      const measure = async (name: string, priority: 'urgent' | 'scheduled') => {
        const request = { slo, windows: [], evaluatedAtMs: Date.now(), priority } as const;
        await bench.adapter.measure(request, AbortSignal.timeout(60_000));
        order.push(name);
      };
      const all = [measure('first', 'scheduled'), measure('second', 'scheduled'), measure('third', 'scheduled')];
      await Promise.all([...all, measure('forced', 'urgent')]);
      expect(order).toEqual(['first', 'forced', 'second', 'third']);
    });
  });

  it('fails with a timeout what it could not ask in time, and goes on', async () => {
    await withBench({ concurrency: 1, timeoutMs: 10_000 }, async (bench) => {
      await bench.proxy.set('silent');
      const late = new AbortController();
      const stuck = bench.measure(slo, late.signal);
      const soon = new AbortController();
      const waiting = bench.measure(slo, soon.signal);
      soon.abort();
      expect((await waiting).windows[0]).toMatchObject({
        failure: { reason: 'timeout', attempts: 0, detail: expect.stringContaining('not asked in time') as string },
      });
      late.abort();
      expect((await stuck).windows[0]).toMatchObject({
        failure: { reason: 'timeout', detail: 'no answer before the deadline' },
      });
      await bench.proxy.set('pass');
      expect((await bench.decided(slo)).decision).toBe('ALLOW');
    });
  });

  it('settles at once though the source accepts no connection', async () => {
    // An address of the documentation's network: packets to it vanish, or are refused at once.
    await withBench({ url: new URL('http://192.0.2.1:9090'), timeoutMs: 300 }, async (bench) => {
      expect(['timeout', 'unreachable']).toContain((await detailOf(bench)).reason);
    });
    // A resolver may take longer than we do.
    await withBench({ url: new URL('http://no-such-host.invalid:9090') }, async (bench) => {
      expect((await detailOf(bench)).detail).toMatch(/\(no-such-host\.invalid:9090\)|no answer within 10s/);
    });
  });

  describe.skipIf(lacks('openssl'))('over TLS', () => {
    const file = (name: string) => join(directory, name);
    const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
    beforeAll(() => {
      for (const name of ['ca', 'other-ca']) {
        openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
          '-keyout', `${name}.key`, '-out', `${name}.pem`, '-subj', `/CN=${name}`); // prettier-ignore
      }
      for (const [name, subject] of [
        ['server', '/CN=127.0.0.1'],
        ['client', '/CN=client'],
      ] as const) {
        openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`,
          '-out', `${name}.csr`, '-subj', subject, '-addext', 'subjectAltName=IP:127.0.0.1'); // prettier-ignore
        openssl('x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-days', '2', '-copy_extensions',
          'copy', '-out', `${name}.pem`); // prettier-ignore
      }
    });

    it('trusts the CA that is set, shows its certificate, and takes new files without a restart', async () => {
      const [cert, key, ca] = await Promise.all(
        ['server.pem', 'server.key', 'ca.pem'].map((name) => readFile(file(name))),
      );
      const certificates = { cert: cert!, key: key!, ca: ca! };
      const server = createServer(
        { ...certificates, requestCert: true, rejectUnauthorized: true },
        (incoming, response) => {
          incoming.resume();
          response.end('{"status":"success","data":{"resultType":"vector","result":[]}}');
        },
      );
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const url = new URL(`https://127.0.0.1:${portOf(server)}`);
      await writeFile(file('trusted.pem'), await readFile(file('other-ca.pem')));
      const client = { certFile: file('client.pem'), keyFile: file('client.key') };
      await withBench({ url, caFile: file('trusted.pem'), ...client }, async (bench) => {
        expect((await detailOf(bench)).reason).toBe('unreachable');
        await writeFile(file('trusted.pem'), await readFile(file('ca.pem')));
        expect((await bench.measure(slo)).windows[0]).toMatchObject({ state: 'noData' });
      });
      await withBench({ url, caFile: file('ca.pem') }, async (bench) => {
        expect((await detailOf(bench)).reason).toBe('unreachable');
      });
      await withBench({ url, caFile: file('nowhere.pem') }, async (bench) => {
        expect(await detailOf(bench)).toMatchObject({
          reason: 'auth',
          detail: expect.stringContaining('CA file') as string,
        });
      });
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    });
  });
});
/** Answers with an error that repeats the header it was sent. */
function createEcho() {
  const server = createHttpServer((incoming, response) => {
    incoming.resume();
    const error = `no access for ${incoming.headers.authorization ?? ''} of ${String(incoming.headers['x-scope-orgid'])} at ${incoming.url ?? ''}`;
    response.writeHead(400).end(JSON.stringify({ status: 'error', errorType: 'bad_data', error }));
  });
  return {
    async listen() {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return portOf(server);
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

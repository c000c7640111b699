import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { portOf } from '../support/exporter.ts';
import { createGate, type Answer, type GateServer } from '../support/gate-server.ts';
import { answers, root, start, type Running } from '../support/running.ts';
import { lacks } from '../support/services.ts';
import { bash } from '../support/shell.ts';
import { sloDocument } from '../support/slo.ts';

const example = (name: string) => readFileSync(join(root, 'test/data/seeds-examples', name), 'utf8');
const healthy = { good: 9995, total: 10_000 };
const windows = (window: object) => ({ windows: { '5m': window, '1h': window, '6h': window, '30d': window } });

/** The demonstration of the original README: its SLO as it stands, and services for the runbook's symptoms. */
function demonstration(): Promise<GateServer> {
  const hourAgo = new Date(Date.now() - 3_600_000).toISOString();
  return createGate({
    files: { 'api-availability.yaml': example('readme-slo.yaml') },
    slos: ['burning', 'stale', 'idle', 'unmeasured'].map((id) => sloDocument({ id, service: id, interval: '24h' })),
    fixtures: {
      'api-availability': windows(healthy),
      burning: windows({ good: 80, total: 100 }),
      stale: windows({ ...healthy, dataTimestamp: hourAgo }),
      idle: windows({ good: 0, total: 0 }),
    },
  });
}

describe.skipIf(lacks('bash', 'curl', 'wget', 'jq'))('the requests of the README and the runbook', () => {
  let gate: GateServer;
  beforeAll(async () => {
    gate = await demonstration();
    await gate.start();
    await eventually(async () => expect((await gate.get('/readyz')).status).toBe(200));
    await gate.decide('api-availability', true); // its row is committed
    await gate.decide('burning', true);
  });
  afterAll(() => gate.remove());

  const paste = (command: string) => bash(command.replaceAll('localhost:8080', `127.0.0.1:${gate.port}`));

  const record = { id: expect.any(Number) as unknown, sloID: 'api-availability', decision: 'ALLOW', sli: 0.9995 };
  const requests: readonly (readonly [command: string, answer: unknown])[] = [
    ['curl http://localhost:8080/healthz', { status: 'ok' }],
    ['curl http://localhost:8080/readyz', { ready: true, slosLoaded: 5 }],
    [
      `curl -X POST http://localhost:8080/v1/gate/decision \\
         -H "Content-Type: application/json" \\
         -d '{"sloID": "api-availability"}'`,
      { decision: 'ALLOW', sloID: 'api-availability' },
    ],
    [
      `curl -X POST http://localhost:8080/v1/gate/decision \\
         -H "Content-Type: application/json" \\
         -d '{
           "sloID": "api-availability",
           "forceFresh": false
         }'`,
      { decision: 'ALLOW', sloID: 'api-availability', ttl: 300, isStale: false, hasNoTraffic: false },
    ],
    [
      'curl http://localhost:8080/v1/slo',
      {
        slos: expect.arrayContaining([
          { id: 'api-availability', service: 'api-gateway', environment: 'production', objective: 0.995 },
        ]) as unknown,
      },
    ],
    [
      'curl http://localhost:8080/v1/slo/api-availability',
      {
        apiVersion: 'aegis.slo/v1',
        kind: 'SLO',
        metadata: { id: 'api-availability', service: 'api-gateway', owner: 'platform-team' },
        spec: { environment: 'production', objective: 0.995, complianceWindow: '30d', evaluationInterval: '5m' },
      },
    ],
    [
      'curl "http://localhost:8080/v1/audit?limit=10"',
      { records: expect.arrayContaining([expect.objectContaining(record)]) as unknown },
    ],
    [
      'curl "http://localhost:8080/v1/audit?limit=100"',
      { records: expect.any(Array) as unknown, total: expect.any(Number) as unknown },
    ],
    [
      'curl "http://localhost:8080/v1/audit?sloID=api-availability&limit=20"',
      { records: expect.arrayContaining([expect.objectContaining(record)]) as unknown },
    ],
    [
      'curl "http://localhost:8080/v1/audit?decision=BLOCK&limit=10"',
      {
        records: [
          { sloID: 'burning', decision: 'BLOCK' },
          { sloID: 'burning', decision: 'BLOCK' },
        ],
      },
    ],
    [
      'curl "http://localhost:8080/v1/audit?startTime=2024-01-15T00:00:00Z&endTime=2024-01-15T23:59:59Z"',
      { records: [], total: 0 },
    ],
    [
      'curl http://localhost:8080/v1/state/api-gateway/production',
      { service: 'api-gateway', environment: 'production', decision: 'ALLOW' },
    ],
  ];

  it.each(requests)('%s', async (command, answer) => {
    const { code, stdout, stderr } = await paste(command);
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject(answer as object);
  });

  it.each([
    'wget --quiet --tries=1 --spider http://localhost:8080/healthz',
    'wget --quiet --tries=1 --spider http://localhost:8080/readyz',
  ])('%s', async (command) => {
    expect(await paste(command)).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('the answer has every field of the README, of the same type, and its numbers', async () => {
    const answer = await gate.decide('api-availability');
    const documented = JSON.parse(example('readme-response.json')) as Answer;
    expect(shapeOf(answer)).toMatchObject(shapeOf(documented) as object);
    const { decision, ttl, sli, reasons, isStale, hasNoTraffic } = documented;
    expect(answer).toMatchObject({ decision, ttl, reasons, isStale, hasNoTraffic });
    expect(answer.sli.value).toBeCloseTo(sli.value!, 12);
    expect(answer.sli.errorRate).toBeCloseTo(sli.errorRate!, 12);
    expect(answer.sli.budgetRemaining).toBeCloseTo(sli.budgetRemaining!, 12);
    for (const [window, { threshold }] of Object.entries(documented.burnRates)) {
      expect(answer.burnRates[window]?.threshold, window).toBe(threshold);
    }
    expect(Math.abs(Date.now() - Date.parse(answer.timestamp))).toBeLessThan(600_000);
  });

  it("shows the runbook's symptoms", async () => {
    expect(await gate.decide('stale')).toMatchObject({ decision: 'WARN', isStale: true, reasons: ['data is stale'] });
    expect(await gate.decide('idle')).toMatchObject({ decision: 'WARN', hasNoTraffic: true, sli: { value: 0 } });
    expect(await gate.decide('unmeasured')).toMatchObject({ decision: 'WARN', isStale: false });
  });

  it('serves an SLO that was added, after a restart', async () => {
    await gate.writeSlo(sloDocument({ id: 'new-slo-id' }));
    await gate.stop();
    await gate.start();
    const { stdout } = await paste('curl http://localhost:8080/v1/slo/new-slo-id');
    expect(JSON.parse(stdout)).toMatchObject({ metadata: { id: 'new-slo-id' } });
  });
});

/** The names of all fields, with the type of each. */
function shapeOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return Array.isArray(value) ? 'array' : typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, shapeOf(field)]));
}

describe.skipIf(lacks('bash', 'grep'))("the runbook's log patterns", () => {
  let gate: GateServer;
  beforeAll(async () => {
    gate = await demonstration();
    await gate.writeFile('bad.yaml', 'apiVersion: aegis.slo/v1\nkind: SLO\n');
    await gate.start();
    await gate.decide('unmeasured', true);
    const holder = new Sqlite(gate.db);
    holder.exec('BEGIN IMMEDIATE');
    await gate.decide('api-availability', true);
    await eventually(() => expect(gate.log()).toContain('failed to store'));
    holder.exec('ROLLBACK');
    holder.close();
    await gate.stop();
  });
  afterAll(() => gate.remove());

  const patterns: readonly (readonly [command: string, line: RegExp])[] = [
    [
      'grep "Error evaluating SLO" /var/log/aegis-slo.log',
      /Error evaluating SLO unmeasured: query good metrics \(window=\w+\): query failed after \d+ attempts: /,
    ],
    ['grep "query failed" /var/log/aegis-slo.log', /query failed after 1 attempts: /],
    [
      'grep "failed to store" /var/log/aegis-slo.log',
      /failed to store evaluation: (database is locked|no answer from the database)/,
    ],
    ['grep "Failed to load SLOs" /var/log/aegis-slo.log', /Failed to load SLOs: .*bad\.yaml/],
    ['grep "Evaluated SLO" /var/log/aegis-slo.log', /^Evaluated SLO api-availability: decision=ALLOW, SLI=0\.9995$/m],
    ['grep "Loaded 5 SLOs" /var/log/aegis-slo.log', /Loaded 5 SLOs/],
  ];

  it.each(patterns)('%s', async (command, line) => {
    const log = join(gate.directory, 'server.log');
    const { code, stdout } = await bash(command.replace('/var/log/aegis-slo.log', log));
    expect(code).toBe(0);
    const messages = stdout
      .split('\n')
      .filter((text) => text !== '')
      .map((text) => (JSON.parse(text) as { message: string }).message);
    expect(messages.join('\n')).toMatch(line);
  });

  it('grep "panic" finds nothing', () => {
    expect(gate.log()).not.toMatch(/panic|crashed/);
  });
});

describe('the flags and variables of the README', () => {
  let running: Running | undefined;
  let gate: GateServer;
  afterEach(async () => {
    await running?.stop();
    await gate.remove();
  });

  const server = join(root, 'dist/server.js');
  async function run(url: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<Running> {
    running = start(process.execPath, [server, ...args], {
      cwd: gate.directory,
      env: { PATH: process.env.PATH, ...env },
    });
    await answers(running, `${url}/healthz`);
    return running;
  }
  const decide = async (url: string) => {
    const response = await fetch(`${url}/v1/gate/decision`, { method: 'POST', body: '{"sloID":"api-availability"}' });
    return (await response.json()) as Answer & { adapter: string };
  };

  it('PORT, HOST, SLO_DIR, ADAPTER_TYPE and DB_PATH', async () => {
    gate = await demonstration();
    const db = join(gate.directory, 'other.db');
    const host = process.platform === 'linux' ? '127.0.0.2' : '127.0.0.1';
    const url = `http://${host}:${gate.port}`;
    await run(url, [], {
      PORT: String(gate.port),
      HOST: host,
      SLO_DIR: gate.sloDir,
      ADAPTER_TYPE: 'synthetic',
      SYNTHETIC_FIXTURES: gate.fixtureDir,
      DB_PATH: db,
    });
    expect(await decide(url)).toMatchObject({ decision: 'ALLOW', adapter: 'synthetic' });
    if (host !== '127.0.0.1') await expect(decide(gate.url)).rejects.toThrow();
    expect(existsSync(db)).toBe(true);
    expect(existsSync(gate.db)).toBe(false);
  });

  it('PROMETHEUS_URL', async () => {
    gate = await demonstration();
    const asked: string[] = [];
    const source = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(503).end();
    }).listen(0, '127.0.0.1');
    await once(source, 'listening');
    await run(gate.url, ['--slo-dir', gate.sloDir, '--host', '127.0.0.1', '--port', String(gate.port)], {
      ADAPTER_TYPE: 'prometheus',
      PROMETHEUS_URL: `http://127.0.0.1:${portOf(source)}/prefix`,
    });
    expect(await decide(gate.url)).toMatchObject({ decision: 'WARN', adapter: 'prometheus' });
    expect(asked[0]).toMatch(/^\/prefix\/api\/v1\/query/);
    expect(existsSync(join(gate.directory, 'aegis.db'))).toBe(true); // the default of --db
    source.closeAllConnections();
    source.close();
  });

  it("a flag, in the form of the runbook's compose file too, beats a variable that is wrong for this place", async () => {
    gate = await demonstration();
    const args = [
      `--port=${gate.port}`,
      '--host=127.0.0.1',
      `--slo-dir=${gate.sloDir}`,
      '--adapter=synthetic',
      `--synthetic-fixtures=${gate.fixtureDir}`,
      `--db=${gate.db}`,
    ];
    await run(gate.url, args, {
      PORT: '1',
      HOST: '192.0.2.1',
      SLO_DIR: '/nowhere',
      ADAPTER_TYPE: 'prometheus',
      PROMETHEUS_URL: 'http://127.0.0.1:9',
      DB_PATH: '/nowhere/aegis.db',
    });
    expect(await decide(gate.url)).toMatchObject({ decision: 'ALLOW', adapter: 'synthetic' });
    expect(existsSync(gate.db)).toBe(true);
  });

  it.each([
    ['debug', true],
    ['error', false],
  ])('LOG_LEVEL=%s, TZ=UTC', async (level, tellsAll) => {
    gate = await demonstration();
    const args = ['--slo-dir', gate.sloDir, '--host', '127.0.0.1', '--port', String(gate.port)];
    const started = await run(gate.url, args, { LOG_LEVEL: level, TZ: 'UTC' });
    await decide(gate.url);
    await started.stop();
    expect(started.output()).toContain('Error evaluating SLO'); // no fixtures
    expect(started.output().includes('Evaluated SLO')).toBe(tellsAll);
  });
});

describe('aegis validate', () => {
  let gate: GateServer;
  afterEach(() => gate.remove());

  it('aegis validate --dir ./slos', async () => {
    gate = await demonstration();
    const validate = `"${process.execPath}" "${join(root, 'dist/cli.js')}" validate --dir ./slos`;
    expect(await bash(validate, { cwd: gate.directory })).toMatchObject({ code: 0, stderr: '' });
    await gate.writeFile('bad.yaml', 'apiVersion: aegis.slo/v1\nkind: SLO\n');
    const bad = await bash(validate, { cwd: gate.directory });
    expect(bad.code).toBe(1);
    expect(bad.stdout + bad.stderr).toContain('bad.yaml');
  });
});

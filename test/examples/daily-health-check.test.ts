import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { portOf } from '../support/exporter.ts';
import { root } from '../support/running.ts';
import { lacks } from '../support/services.ts';
import { bash } from '../support/shell.ts';

type Answers = Readonly<Record<string, readonly [status: number, body: unknown]>>;

const component = (status: string, message: string) => ({ status, since: '2026-01-15T10:30:00.000Z', message });
const well: Answers = {
  '/healthz': [200, { status: 'ok' }],
  '/readyz': [200, { ready: true, slosLoaded: 2 }],
  '/healthz/comprehensive': [200, { components: { prometheus: component('ok', 'it answers') } }],
  '/v1/status': [200, { files: { read: 2, inError: [] }, audit: { rows: { evaluation: { dropped: 0 } } } }],
  '/v1/decisions': [200, { decisions: [] }],
  '/v1/audit': [200, { records: [] }],
  '/metrics': [200, '# HELP aegis_up 1\naegis_audit_growth_bytes_per_day 52428800.5\n'],
  '/metrics/system': [200, { disk: { freeBytes: 9e9, sizeBytes: 1e10, databaseBytes: 1e6 } }],
};

/** With a server that answers as a test says; docs/runbook.md has it run against a real one. */
describe.skipIf(lacks('bash', 'curl', 'jq'))('examples/scripts/daily-health-check.sh', () => {
  let server: Server;
  let answers = well;
  const keys = new Set<unknown>();
  const directory = mkdtempSync(join(tmpdir(), 'aegis-daily-'));
  beforeAll(async () => {
    server = createServer((request, response) => {
      keys.add(request.headers['x-api-key']);
      const path = new URL(request.url ?? '', 'http://x').pathname;
      const [status, body] = answers[path] ?? [404, { error: 'unknown' }];
      response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
  });
  afterEach(() => {
    answers = well;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
    rmSync(directory, { recursive: true });
  });

  const check = (env: Readonly<Record<string, string>> = {}) =>
    bash(`bash '${join(root, 'examples/scripts/daily-health-check.sh')}'`, {
      env: { PATH: process.env.PATH, AEGIS_SERVER: `http://127.0.0.1:${portOf(server)}`, ...env },
    });

  it('says that all is well, with the token of a file, which it does not show', async () => {
    writeFileSync(join(directory, 'token'), 's3cr3t\n');
    writeFileSync(join(directory, 'aegis-20260115.db'), '');
    writeFileSync(
      join(directory, 'aegis.log'),
      '{"timestamp":"2020-01-01T00:00:00Z","level":"error","message":"old"}\n{cut',
    );
    keys.clear();
    const env = { AEGIS_TOKEN_FILE: join(directory, 'token'), AEGIS_BACKUPS: directory };
    const { code, stdout, stderr } = await check({ ...env, AEGIS_LOG: join(directory, 'aegis.log') });
    expect(stdout + stderr).not.toMatch(/^ {2}look|s3cr3t/m);
    expect(stdout).toContain('the audit grows by 50 MB a day');
    expect(stdout).toContain('All is well.');
    expect(code).toBe(0);
    expect([...keys]).toEqual(['s3cr3t']);
  });

  const findings: readonly (readonly [what: string, answers: Answers, line: string])[] = [
    ['a server that is not ready', { '/readyz': [503, { reasons: ['no SLOs loaded'] }] }, 'not ready: no SLOs loaded'],
    [
      'a component that is down',
      { '/healthz/comprehensive': [503, { components: { prometheus: component('down', 'it answers nothing') } }] },
      'prometheus is down since 2026-01-15T10:30:00.000Z: it answers nothing',
    ],
    [
      'a file in error',
      {
        '/v1/status': [
          200,
          { files: { inError: [{ file: 'a.yaml' }] }, audit: { rows: { evaluation: { dropped: 0 } } } },
        ],
      },
      'in error: a.yaml',
    ],
    [
      'lost rows',
      { '/v1/status': [200, { files: { read: 1, inError: [] }, audit: { rows: { evaluation: { dropped: 7 } } } }] },
      '7 rows were lost',
    ],
    [
      'an SLO that blocks',
      {
        '/v1/decisions': [200, { decisions: [{ sloID: 'checkout', reasons: ['rule fast-burn triggered'] }] }],
        '/v1/audit': [200, { records: [{ timestamp: '2026-01-15T08:00:00.000Z' }] }],
      },
      'checkout blocks since 2026-01-15T08:00:00.000Z: rule fast-burn triggered',
    ],
    [
      'an audit that grows fast',
      { '/metrics': [200, 'aegis_audit_growth_bytes_per_day 2147483648\n'] },
      'the audit grows by 2048 MB a day',
    ],
  ];
  it.each(findings)('points at %s', async (_, changed, line) => {
    answers = { ...well, ...changed };
    const { code, stdout } = await check();
    expect(stdout).toContain(`  look  ${line}`);
    expect(code).toBe(1);
  });

  it('says what is not known yet', async () => {
    answers = { ...well, '/metrics': [200, 'aegis_audit_growth_bytes_per_day NaN\n'] };
    expect((await check()).stdout).toContain('  ok    how much the audit grows is not known yet');
  });

  it('points at a backup that is too old, and at errors of the log', async () => {
    const old = new Date(Date.now() - 3 * 86_400_000);
    utimesSync(join(directory, 'aegis-20260115.db'), old, old);
    const line = { timestamp: new Date().toISOString(), level: 'error', message: 'failed to store evaluation: full' };
    writeFileSync(join(directory, 'aegis.log'), `${JSON.stringify(line)}\n`.repeat(3));
    const { code, stdout } = await check({ AEGIS_BACKUPS: directory, AEGIS_LOG: join(directory, 'aegis.log') });
    expect(stdout).toContain('  look  the newest is 72 hours old');
    expect(stdout).toContain('  look  3 times: failed to store evaluation: full');
    expect(code).toBe(1);
    expect((await check({ AEGIS_BACKUPS: join(directory, 'nowhere') })).stdout).toContain('  look  there is none');
  });

  const unasked: readonly (readonly [what: string, answers: Answers])[] = [
    ['refuses the key', { '/v1/status': [401, { error: 'no key' }] }],
    ['answers with a page', { '/readyz': [200, '<html>Log in</html>'] }],
    ['fails', { '/v1/decisions': [500, { error: 'internal' }] }],
  ];
  it.each(unasked)('exits 3 where the server %s', async (_, changed) => {
    answers = { ...well, ...changed };
    const { code, stdout, stderr } = await check();
    expect(stderr).toContain('could not ask');
    expect(stdout).not.toContain('All is well');
    expect(code).toBe(3);
  });

  it('exits 3 where nobody listens', async () => {
    expect((await check({ AEGIS_SERVER: 'http://127.0.0.1:1' })).code).toBe(3);
  });
});

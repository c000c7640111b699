import { readFileSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { createGate, type GateServer } from '../support/gate-server.ts';
import { root } from '../support/running.ts';
import { lacks } from '../support/services.ts';
import { bash } from '../support/shell.ts';
import { sloDocument } from '../support/slo.ts';

const example = (name: string) => readFileSync(join(root, 'test/data/seeds-examples', name), 'utf8');
const healthy = { good: 9995, total: 10_000 };
const windows = (window: object) => ({ windows: { '5m': window, '1h': window, '6h': window, '30d': window } });

/** The runbook's statements by the comment above each. */
const statements = new Map(
  example('runbook-statements.sql')
    .split(/^-- /m)
    .filter((part) => part !== '')
    .map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1).trim()]),
);

/**
 * As on an operator's machine: the server's clock shows New York, the statements come from a shell beside it. The SLOs
 * are evaluated once a day, so that the rows are those that the test asks for.
 */
describe.skipIf(lacks('bash', 'sqlite3'))("the runbook's statements and scripts, beside the running server", () => {
  let gate: GateServer;
  const backups = () => join(gate.directory, 'backup');
  beforeAll(async () => {
    gate = await createGate({
      slos: ['api-availability', 'burning', 'unmeasured'].map((id) =>
        sloDocument({ id, service: id, interval: '24h' }),
      ),
      fixtures: { 'api-availability': windows(healthy), burning: windows({ good: 80, total: 100 }) },
      env: { TZ: 'America/New_York' },
      // Nothing but the runbook takes away the old rows.
      args: ['--audit-retention', '0'],
    });
    await gate.start();
    await eventually(async () => expect((await gate.get('/readyz')).status).toBe(200));
    // Two rows of each: the first evaluation, and this one.
    for (const id of ['api-availability', 'burning', 'unmeasured']) await gate.decide(id, true);
    // A measurement that failed is in no average.
    await gate.writeFixture('api-availability', {});
    await gate.decide('api-availability', true);
    await gate.writeFixture('api-availability', windows(healthy));
    await gate.decide('api-availability', true);
    // The runbook's deployment, from a day when there was another server.
    gate.sql(`
      INSERT INTO evaluations (slo_id, service, environment, decision, sli, error_rate, budget_remaining,
        reasons_json, burn_rates_json, timestamp, created_at)
      SELECT 'api-availability', 'api-gateway', 'production', 'BLOCK', 0.9, 0.1, 0, '["old"]', '{}', at, at
      FROM (SELECT '2024-01-15 09:59:59.999' AS at UNION SELECT '2024-01-15 10:02:00.000'
        UNION SELECT '2024-01-15 10:05:01.000');`);
  });
  afterAll(() => gate.remove());

  /** The scripts name paths of a container. */
  const run = (script: string) =>
    bash(script.replaceAll('/data/aegis.db', gate.db).replaceAll('/backup/aegis-slo', backups()), {
      cwd: gate.directory,
      env: { PATH: process.env.PATH, TZ: 'America/New_York' },
    });
  const statement = (title: string) => {
    const sql = statements.get(title);
    if (sql === undefined) throw new Error(`the runbook has no statement "${title}"`);
    return gate.sql(sql);
  };
  const ids = () => gate.sql('SELECT evaluation_id FROM evaluations ORDER BY 1;');

  it.each([
    ['Gate decision distribution', ['ALLOW|3', 'BLOCK|5', 'WARN|3']],
    ['Gate decisions (last 24h)', ['ALLOW|3', 'BLOCK|2', 'WARN|3']],
    ['SLO evaluation frequency', ['api-availability|4', 'burning|2', 'unmeasured|2']],
    ['Blocked SLOs', ['burning|burning|production']],
    ['Check database integrity', ['ok']],
    ['Top 10 most frequently blocked SLOs', ['burning|2']],
  ])('%s', (title, lines) => {
    expect(statement(title)).toEqual(lines);
  });

  it('SLO reliability over time (hourly buckets)', () => {
    const hours = statement('SLO reliability over time (hourly buckets)');
    expect(hours.length).toBeGreaterThanOrEqual(1);
    for (const hour of hours) expect(hour).toMatch(/^\d{4}-\d\d-\d\d \d\d:00\|0\.9995\|0\.9(0000\d+|)$/);
    // The hour is that of UTC, whatever the server's clock shows.
    const [date, time = ''] = hours.at(-1)!.split('|')[0]!.split(' ');
    expect(Math.abs(Date.now() - Date.parse(`${date ?? ''}T${time}Z`))).toBeLessThan(2 * 3_600_000);
  });

  it('Audit trail for specific deployment decision', async () => {
    const lines = statement('Audit trail for specific deployment decision');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /^\d+\|api-availability\|api-gateway\|production\|BLOCK\|0\.9\|.*\|2024-01-15 10:02:00\.000\|/,
    );
    const { body } = await gate.get('/v1/audit?startTime=2024-01-15T10:00:00Z&endTime=2024-01-15T10:05:00Z');
    expect(body).toMatchObject({ total: 1, records: [{ decision: 'BLOCK', timestamp: '2024-01-15T10:02:00.000Z' }] });
  });

  it('count-decisions.sh', async () => {
    expect(await run(example('count-decisions.sh'))).toEqual({
      code: 0,
      stdout: 'ALLOW|3\nBLOCK|2\nWARN|3\n',
      stderr: '',
    });
  });

  it('daily-backup.sh keeps thirty days, and what it copies is whole', async () => {
    await mkdir(backups());
    const old = join(backups(), 'aegis-20240115.db');
    gate.sql(`.backup ${old}`);
    const long = Date.now() / 1000 - 32 * 86_400;
    utimesSync(old, long, long);
    const { code, stdout } = await run(example('daily-backup.sh'));
    expect(code).toBe(0);
    const name = /^Backup completed: (aegis-\d{8}\.db)\n$/.exec(stdout)?.[1];
    expect(readdirSync(backups())).toEqual([name]);
    const [count] = (await run(`sqlite3 ${join(backups(), name!)} 'SELECT COUNT(*) FROM evaluations'`)).stdout.split(
      '\n',
    );
    expect(Number(count)).toBe(ids().length);
  });

  it('a restored backup gives its rows and no others', async () => {
    const [name] = readdirSync(backups());
    const before = ids();
    const later = await gate.decide('api-availability', true);
    expect(later.audited).toBe(true);
    expect(ids()).toContain(later.evaluationID);
    await gate.stop(); // docker-compose stop aegis-slo
    expect(await run(`cp /backup/aegis-slo/${name!} /data/aegis.db`)).toMatchObject({ code: 0 });
    await gate.start();
    await eventually(async () => expect((await gate.get('/readyz')).status).toBe(200));
    const after = ids();
    expect(before.filter((id) => !after.includes(id))).toEqual([]);
    expect(after).not.toContain(later.evaluationID);
    expect(statement('Check database integrity')).toEqual(['ok']);
  });

  it.each([
    [
      'the statements of the manual cleanup',
      () => [...statement('Delete evaluations older than 90 days'), ...statement('Vacuum to reclaim space')],
    ],
    ['cron-cleanup.sh', async () => (await run(example('cron-cleanup.sh'))).stdout.trimEnd().split('\n')],
  ])('%s take the old rows and no others, and the server writes on', async (title, clean) => {
    const old = `datetime('now', '-91 days')`;
    gate.sql(`INSERT INTO evaluations (slo_id, service, environment, decision, reasons_json, burn_rates_json, timestamp,
      created_at) VALUES ('old', 'old', 'old', 'BLOCK', '[]', '{}', ${old}, ${old});`);
    const young = gate.sql(`SELECT evaluation_id FROM evaluations WHERE created_at > ${old} ORDER BY 1;`);
    expect(young.length).toBeLessThan(ids().length);
    expect(await clean()).toEqual(title.startsWith('cron') ? ['Cleaned up evaluations older than 90 days'] : []);
    expect(ids()).toEqual(young);
    const answer = await gate.decide('api-availability', true);
    expect(answer.audited).toBe(true);
    expect(ids()).toEqual([...young, answer.evaluationID].toSorted());
  });

  it('a database that is deleted is made anew: decisions go on, rows too', async () => {
    const before = ids();
    rmSync(gate.db); // rm /data/aegis.db
    expect(await gate.decide('api-availability')).toMatchObject({ decision: 'ALLOW' });
    await eventually(async () => expect(await gate.decide('burning', true)).toMatchObject({ audited: true }));
    expect(await gate.stop()).toBe(0);
    await gate.start();
    const answer = await gate.decide('api-availability', true);
    const after = ids();
    expect(after).toContain(answer.evaluationID);
    expect(after.filter((id) => before.includes(id))).toEqual([]);
  });
});

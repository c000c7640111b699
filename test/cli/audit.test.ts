import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { lacks } from '../support/services.ts';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { createGate, type GateServer } from '../support/gate-server.ts';
import { sloDocument } from '../support/slo.ts';
import { openShell } from '../support/sqlite3-session.ts';
import { aegis, going, type Going } from './aegis.ts';

const fixture = (good: number) => ({
  windows: Object.fromEntries(['30d', '5m', '1h', '6h'].map((name) => [name, { good, total: 100_000 }])),
});

let gate: GateServer;
beforeAll(async () => {
  gate = await createGate({
    slos: [sloDocument({ id: 'healthy' }), sloDocument({ id: 'burning', service: 'checkout' })],
    fixtures: { healthy: fixture(99_950), burning: fixture(80_000) },
  });
  await gate.start();
  for (const id of ['healthy', 'burning', 'healthy']) await gate.decide(id, true);
});
afterAll(() => gate.remove());

/** Rows of the SLO `healthy` by another program, whose ids begin with their instant. */
function insert(instant: string, count: number): void {
  gate.sql(`INSERT INTO evaluations
    (slo_id, service, environment, decision, reasons_json, burn_rates_json, timestamp, evaluation_id)
    SELECT 'healthy', 'a', 'b', 'ALLOW', '[]', '{}', '${instant}', '${instant} ' || value
    FROM generate_series(1, ${count})`);
}

const audit = (...words: string[]) => aegis(['audit', '--server', gate.url, ...words]);
const rowsOf = (out: string) =>
  out
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Row);

interface Row {
  readonly sloID: string;
  readonly decision: string;
  readonly evaluationID: string;
  readonly timestamp: string;
}

describe.skipIf(lacks('sqlite3'))('aegis audit', () => {
  test('shows evaluations, newest first, as lines of JSON or as a table', async () => {
    const rows = rowsOf((await audit()).out);
    expect(rows.length).toBeGreaterThanOrEqual(5);
    expect(rows.map(({ timestamp }) => timestamp)).toEqual(
      rows
        .map(({ timestamp }) => timestamp)
        .toSorted()
        .toReversed(),
    );
    const { out, code } = await audit('--format', 'text', '--slo', 'burning', '--limit', '1');
    expect(code).toBe(0);
    expect(out.replaceAll(/ {2,}/g, '  ')).toMatch(
      /^TIME {2}DECISION {2}SLO {2}SERVICE {2}ENVIRONMENT {2}SLI {2}BUDGET {2}REASONS\n20\S+ {2}BLOCK {2}burning {2}checkout {2}production {2}80\.00% {2}0% {2}rule fast-burn triggered: [^\n]*\n$/,
    );
  });

  test.each<[string[], (row: Row) => boolean]>([
    [['--slo', 'healthy'], ({ sloID }) => sloID === 'healthy'],
    [['--service', 'checkout', '--env', 'production'], ({ sloID }) => sloID === 'burning'],
    [['--decision', 'block', '--since', '1h'], ({ decision }) => decision === 'BLOCK'],
  ])('filters by %j', async (words, isWanted) => {
    const rows = rowsOf((await audit(...words)).out);
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.every(isWanted)).toBe(true);
  });

  test('says where there is nothing', async () => {
    expect(await audit('--until', '1d')).toEqual({
      code: 0,
      out: '',
      err: 'aegis audit: there are no such evaluations\n',
    });
  });

  test('reads more rows than a page has', async () => {
    insert('2026-01-01 00:00:00.000', 1500);
    const rows = rowsOf((await audit('--until', '2026-01-02T00:00:00Z', '--limit', '1400')).out);
    expect(new Set(rows.map(({ evaluationID }) => evaluationID)).size).toBe(1400);
  });

  test('--decisions has who was told what, --orders what was ordered', async () => {
    const told = await eventually(async () => {
      const rows = rowsOf((await audit('--decisions', '--slo', 'burning', '--caller', 'anonymous')).out);
      expect(rows.length).toBeGreaterThan(0);
      return rows;
    });
    expect(told[0]).toMatchObject({ sloID: 'burning', decision: 'BLOCK', forced: true });
    expect(await audit('--orders')).toMatchObject({ code: 0 });
  });

  test.each<[string[], string]>([
    [['--orders', '--slo', 'a'], '--slo: orders have no such filter: --caller'],
    [['--decisions', '--env', 'a'], '--env: decisions have no such filter: --slo, --decision, --caller'],
    [['--decisions', '--orders'], '--decisions: not allowed together with --orders'],
    [['--follow', '--until', '1h'], '--until: not allowed together with --follow'],
    [['--since', 'yesterday'], '--since: "yesterday" is not allowed: a time ago such as 30m'],
    [['--since', '1h', '--until', '2h'], '--since: it is after --until'],
    [['--limit', '0'], '--limit: 0 is for --follow'],
  ])('%j is a mistake', async (words, message) => {
    const ran = await aegis(['audit', ...words]);
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).toContain(message);
  });

  test('without an answer it is exit code 3', async () => {
    const ran = await aegis(['audit', '--server', 'http://127.0.0.1:1', '--timeout', '100ms']);
    expect(ran).toMatchObject({ code: 3, out: '' });
    expect(ran.err).toContain('no answer: 127.0.0.1:1 refused the connection');
  });
});

describe.skipIf(lacks('sqlite3'))('aegis audit --follow', () => {
  const follow = (...words: string[]): Going => {
    const following = going(['audit', '--follow', '--server', gate.url, ...words]);
    onTestFinished(() => following.signal('SIGKILL'));
    return following;
  };
  const idsOf = (following: Going) => following.lines().map(({ evaluationID }) => evaluationID);

  test('shows each new row once and in order, rows that waited for the database and a restart included', async () => {
    const following = follow('--limit', '2', '--since', '1h');
    await eventually(() => expect(following.lines()).toHaveLength(2));
    const made: string[] = [];
    const decide = async (id: string) => made.push((await gate.decide(id, true)).evaluationID);
    await decide('healthy');
    await decide('burning');
    await eventually(() => expect(idsOf(following).slice(2)).toEqual(made));

    const lock = openShell(gate.db);
    await lock.run('BEGIN IMMEDIATE;');
    await decide('healthy');
    await decide('burning');
    await lock.run('COMMIT;');
    await eventually(() => expect(idsOf(following).slice(2)).toEqual(made));

    await gate.stop();
    await eventually(() => expect(following.err()).toContain('going on when it answers'));
    await gate.start();
    await decide('burning');
    await eventually(() => expect(idsOf(following)).toContain(made.at(-1)));
    const all = idsOf(following);
    expect(new Set(all).size).toBe(all.length);
    expect(all.filter((id) => made.includes(String(id)))).toEqual(made);
    following.signal('SIGINT');
    expect(await following.ended).toBe(0);
  });

  test('a row that is older than the last one shown is shown when it comes', async () => {
    const following = follow('--limit', '1', '--slo', 'healthy');
    await eventually(() => expect(following.lines()).toHaveLength(1));
    const earlier = new Date(Date.parse(String(following.lines()[0]?.timestamp)) - 60_000).toISOString();
    insert(earlier.replace('T', ' ').replace('Z', ''), 1);
    await eventually(() => expect(idsOf(following).at(-1)).toContain(earlier.slice(0, 10)));
    expect(following.lines()).toHaveLength(2);
  });

  test('a row from the future hides none', async () => {
    const following = follow('--limit', '1', '--slo', 'healthy');
    await eventually(() => expect(following.lines()).toHaveLength(1));
    insert('2999-01-01 00:00:00.000', 1);
    await eventually(() => expect(idsOf(following).at(-1)).toContain('2999'));
    const { evaluationID } = await gate.decide('healthy', true);
    await eventually(() => expect(idsOf(following)).toContain(evaluationID));
    gate.sql(`DELETE FROM evaluations WHERE timestamp > '2999'`);
  });

  test('where no row is meant, only the newest rows are looked through', async () => {
    const timestamp = new Date().toISOString();
    const asked: URLSearchParams[] = [];
    const server = createServer(({ url = '' }, response) => {
      const { pathname, searchParams } = new URL(url, 'http://a');
      if (pathname === '/v1/audit') asked.push(searchParams);
      const records = searchParams.has('service') ? [] : [{ id: 1, timestamp, evaluationID: 'e' }];
      response.end(JSON.stringify({ records, nextCursor: null }));
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const following = going(['audit', '--follow', '--server', `http://127.0.0.1:${port}`, '--service', 'nothing']);
    onTestFinished(() => following.signal('SIGKILL'));
    await eventually(() => expect(asked.length).toBeGreaterThanOrEqual(5));
    const polled = asked.filter((query) => query.has('service')).at(-1);
    expect(polled?.get('startTime')).toBe(new Date(Date.parse(timestamp) - 120_000).toISOString());
    expect(following.lines()).toEqual([]);
  });

  test('ends with 0 when nobody reads any more', async () => {
    const following = follow('--limit', '1');
    await eventually(() => expect(following.lines()).toHaveLength(1));
    following.stopReading();
    await gate.decide('healthy', true);
    expect(await following.ended).toBe(0);
  });

  test('a server that never answered is exit code 3', async () => {
    const ran = await aegis(['audit', '--follow', '--server', 'http://127.0.0.1:1', '--timeout', '100ms']);
    expect(ran.code).toBe(3);
  });
});

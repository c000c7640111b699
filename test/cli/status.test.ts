import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { painter } from '../../src/cli/terminal.ts';
import { statusDocument, statusLines, type StatusView } from '../../src/cli/status-report.ts';
import { eventually } from '../support/eventually.ts';
import { createGate, type GateServer } from '../support/gate-server.ts';
import { onTerminal } from '../support/pty.ts';
import { lacks } from '../support/services.ts';
import { sloDocument } from '../support/slo.ts';
import { aegis, cli, going, json, serve } from './aegis.ts';

const fixture = (good: number) => ({
  windows: Object.fromEntries(['30d', '5m', '1h', '6h'].map((name) => [name, { good, total: 100_000 }])),
});

let gate: GateServer;
beforeAll(async () => {
  gate = await createGate({
    slos: [
      sloDocument({ id: 'a-healthy' }),
      sloDocument({ id: 'b-burning', service: 'checkout' }),
      sloDocument({ id: 'c-failed', service: 'checkout', environment: 'staging' }),
    ],
    fixtures: { 'a-healthy': fixture(99_950), 'b-burning': fixture(80_000) },
    files: { 'bad.yaml': 'kind: SLO\n' },
  });
  await gate.start();
  for (const id of ['a-healthy', 'b-burning', 'c-failed']) await gate.decide(id);
});
afterAll(() => gate.remove());

const status = (...words: string[]) => aegis(['status', '--server', gate.url, ...words]);

describe('aegis status', () => {
  test('shows every SLO, the worst first, with what burns or is not known', async () => {
    const { code, out, err } = await status('--format', 'text');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const lines = out.split('\n').map((line) => line.replaceAll(/ {2,}/g, '  '));
    expect(lines[0]).toBe(`${gate.url}  aegis 0.2.0  synthetic  active  ready`);
    expect(lines[1]).toMatch(/^ {2}file in error: .*bad\.yaml/);
    expect(lines[2]).toBe('3 SLOs: 1 BLOCK, 1 WARN, 1 ALLOW');
    expect(lines[4]).toBe('DECISION  SLO  SERVICE  ENVIRONMENT  BUDGET  AGE  WHY');
    expect(lines[5]).toMatch(
      /^BLOCK {2}b-burning {2}checkout {2}production {2}0% {2}\d+s {2}rule fast-burn, rule slow-burn$/,
    );
    expect(lines[6]).toMatch(/^WARN {2}c-failed {2}checkout {2}staging {2}- {2}\d+s {2}query_failed$/);
    expect(lines[7]).toMatch(/^ALLOW {2}a-healthy {2}api-gateway {2}production {2}90% {2}\d+s$/);
  });

  test('gives programs the same, and filters', async () => {
    const shown = async (...words: string[]) => {
      const document = JSON.parse((await status(...words)).out) as { slos: { sloID: string }[] };
      return document.slos.map(({ sloID }) => sloID);
    };
    expect(JSON.parse((await status()).out)).toMatchObject({
      server: gate.url,
      answered: true,
      ready: true,
      adapter: 'synthetic',
      slos: [{ sloID: 'b-burning', decision: 'BLOCK', triggeredRules: ['fast-burn', 'slow-burn'] }, {}, {}],
    });
    expect(await shown('--service', 'checkout', '--env', 'staging')).toEqual(['c-failed']);
    expect(await shown('--decision', 'allow')).toEqual(['a-healthy']);
  });

  test('leaves no trace: nobody was told a decision', async () => {
    const told = async () => {
      const { body } = await gate.get('/v1/status');
      const { stored, waiting } = (body as { audit: { rows: { decision: { stored: number; waiting: number } } } }).audit
        .rows.decision;
      return stored + waiting;
    };
    const before = await told();
    await status();
    expect([before, await told()]).toEqual([3, 3]);
  });

  test('without an answer it is exit code 3, and JSON says so too', async () => {
    const ran = await aegis(['status', '--server', 'http://127.0.0.1:1', '--timeout', '100ms']);
    expect(ran.code).toBe(3);
    expect(ran.err).toContain('no answer: 127.0.0.1:1 refused the connection');
    expect(JSON.parse(ran.out)).toMatchObject({ answered: false, ready: null, slos: [] });
  });

  test('shows a server that is not ready, and why; a key that may not read sees no version', async () => {
    const { url, close } = await serve(({ url: path = '' }, response) => {
      if (path === '/readyz') json(response, 503, { ready: false, slosLoaded: 0, reasons: ['no SLOs loaded'] });
      else if (path === '/v1/status') json(response, 403, { error: 'no', code: 'forbidden', requestId: '1' });
      else json(response, 200, { decisions: [], total: 0, nextCursor: null });
    });
    onTestFinished(close);
    const { code, out } = await aegis(['status', '--server', url, '--format', 'text']);
    expect({ code, out }).toEqual({ code: 0, out: `${url}  NOT READY\n  no SLOs loaded\n0 SLOs\n` });
  });

  test.each([
    ['--decision', 'maybe', '--decision: "maybe" is not allowed: allow, warn or block'],
    ['--watch', '1ms', '--watch: "1ms" is not allowed: a duration from 500ms to 1h'],
  ])('%s %s is a mistake', async (flag, value, message) => {
    const ran = await aegis(['status', flag, value]);
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).toContain(message);
  });
});

const allowed = {
  ...{ sloID: 'a', service: 's', environment: 'e', decision: 'ALLOW', reasons: ['fine'], reasonCodes: ['ok'] },
  ...{ triggeredRules: [], budgetRemaining: 1, ttl: 30, evaluationID: 'x', timestamp: '2026-01-01T00:00:00Z', age: 10 },
} as const;

function view(rest: Partial<StatusView>): StatusView {
  const known = { slos: [allowed], readiness: null, about: null };
  return { server: 'http://aegis', atMs: 0, status: known as never, elapsedMs: 0, silence: null, ...rest };
}

describe('what is shown is never a current ALLOW when it is none', () => {
  test('an answer that is not renewed grows older, and overdue at twice its interval', () => {
    expect(statusDocument(view({ elapsedMs: 50_000 })).slos).toMatchObject([{ decision: 'ALLOW', age: 60 }]);
    expect(statusDocument(view({ elapsedMs: 50_001 })).slos).toMatchObject([
      { decision: 'WARN', reasonCodes: ['overdue'], age: 60.001 },
    ]);
  });

  test('of a server that is silent programs are told no decision, and people what it was', () => {
    const silent = view({ elapsedMs: 1000, silence: { why: 'it is gone', forMs: 1000 } });
    expect(statusDocument(silent)).toMatchObject({ answered: false, why: 'it is gone', slos: [] });
    const lines = statusLines(silent, painter(true));
    expect(lines.at(-1)).toMatch(/^\u001b\[2mwas ALLOW /);
    expect(lines.join('\n')).not.toMatch(/\u001b\[32m/);
  });
});

describe('aegis status --watch', () => {
  test('off a terminal each round is a line; a server that is killed is no answer, and comes back', async () => {
    const watching = going(['status', '--watch', '500ms', '--server', gate.url]);
    const last = () => watching.lines().at(-1);
    await eventually(() => expect(last()).toMatchObject({ answered: true, slos: [{}, {}, {}] }));
    await gate.kill();
    await eventually(() => expect(last()).toMatchObject({ answered: false, slos: [] }));
    expect(last()?.silentSince).toMatch(/^20/);
    await gate.start();
    await eventually(() => expect(last()).toMatchObject({ answered: true, silentSince: null }));
    watching.signal('SIGINT');
    expect(await watching.ended).toBe(0);
  });

  test('ends with 0 when nobody reads any more', async () => {
    const watching = going(['status', '--watch', '500ms', '--server', gate.url]);
    await eventually(() => expect(watching.lines().length).toBeGreaterThan(0));
    watching.stopReading();
    expect(await watching.ended).toBe(0);
  });

  test.skipIf(lacks('python3'))(
    'on a terminal it draws in place, fits the window, and gives the terminal back on Ctrl-C',
    async () => {
      for (const id of ['a-healthy', 'b-burning', 'c-failed']) await gate.decide(id);
      const words = [process.execPath, cli, 'status', '--watch', '500ms', '--server', gate.url];
      const terminal = onTerminal(words, { columns: 120, rows: 30 });
      const picture = () => terminal.output().split('\u001b[H').at(-1) ?? '';
      await eventually(() => expect(picture()).toMatch(/\u001b\[31mBLOCK[^]*\u001b\[32mALLOW/));
      expect(terminal.output()).toMatch(/^\u001b\[\?1049h\u001b\[\?25l/);
      terminal.resize(40, 7);
      await eventually(() => expect(picture()).toContain('and 3 more: 3 SLOs: 1 BLOCK, 1 WARN, 1 AL…'.slice(0, 30)));
      terminal.resize(120, 30);
      await gate.kill();
      await eventually(() => expect(picture()).toMatch(/NO ANSWER for \d+s: [^]*was ALLOW/));
      expect(picture()).not.toContain('\u001b[32m');
      terminal.press('\u0003');
      expect(await terminal.ended).toBe(0);
      expect(terminal.output()).toMatch(/\u001b\[\?25h\u001b\[\?1049l$/);
    },
  );
});

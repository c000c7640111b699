import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { SentQuery, WindowState } from '../../src/eval/measurement.ts';
import type { Evaluation } from '../../src/policy/decision-source.ts';
import { explainServed } from '../../src/policy/explain.ts';
import { anApi, listen } from '../support/api.ts';
import { aMeasurement, anEvaluation } from '../support/evaluation.ts';
import { createGate, type GateServer } from '../support/gate-server.ts';
import { describeWithPrometheus, startPrometheus, type TestPrometheus } from '../support/prometheus.ts';
import { anSlo, sloDocument } from '../support/slo.ts';
import { aegis, json, serve } from './aegis.ts';

const slo = anSlo();
const burning: WindowState = { state: 'ok', good: 90, total: 100, goodMissing: false };
const timedOut: WindowState = {
  state: 'failed',
  failure: { role: 'total', reason: 'timeout', detail: 'no answer within 5s', attempts: 2 },
};

/** The API over an evaluation, as the `aegis` command line sees it. */
async function serving(
  evaluation: Evaluation,
  { ageMs = 12_000, queries = [] }: { ageMs?: number; queries?: readonly SentQuery[] } = {},
): Promise<string> {
  const explainWith = (served: Evaluation) => explainServed(served, '0.2.0', () => queries);
  const { app, decisions } = anApi({ slos: [evaluation.slo], deps: { explainServed: explainWith } });
  decisions.set(evaluation, ageMs);
  onTestFinished(() => app.close());
  return `http://127.0.0.1:${await listen(app)}`;
}

function measured(windows: Readonly<Record<string, WindowState>>, rest: Parameters<typeof aMeasurement>[2] = {}) {
  return anEvaluation({ slo, measurement: aMeasurement(slo, windows, rest) });
}

describe('aegis explain', () => {
  test('the decision and the one reason come first, then what burns and how long the budget lasts', async () => {
    const evaluation = measured({ '5m': burning, '1h': burning });
    const server = await serving(evaluation);
    const { code, out, err } = await aegis(['explain', '--slo', slo.id, '--server', server]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const lines = out.split('\n');
    expect(lines[0]).toBe(
      'BLOCK  api-availability (api-gateway, production): rule fast-burn triggered: short=20.00x, long=20.00x (threshold=14.00x)',
    );
    // 90 % of 30 days at 20 times the allowed rate: 32.4 hours.
    expect(lines[1]).toBe('error budget of 30d: 90% left, gone in 32h at the rate of 1h (20.00x)');
    expect(out).toMatch(/^5m +90 +100 +10% +20\.00x +14\.00x +burning$/m);
    expect(out).toMatch(/^1h +90 +100 +10% +20\.00x +14\.00x, 7\.00x +burning$/m);
    expect(out).toMatch(/^6h +99950 +100000 +0\.05% +0\.10x +7\.00x$/m);
    expect(out).toContain('fast-burn  BLOCK  5m: 20.00x >= 14.00x, 1h: 20.00x >= 14.00x');
    expect(out).toContain('slow-burn  -      1h: 20.00x >= 7.00x, 6h: 0.10x < 7.00x');
    expect(out).toContain(`evaluation ${evaluation.id} at 2026-11-20T12:00:00.000Z, 12s ago, every 5m`);
    expect(out).toContain(`SLO hash ${evaluation.specHash}`);
    expect(out).not.toContain('\u001b');
  });

  test('what is not known is named with its cause, and its query is the one to paste', async () => {
    const query = 'sum(rate(http_requests_total[5m])) # all\n  + 0';
    const queries = [
      { role: 'good', window: '5m', promql: 'up' },
      { role: 'total', window: '5m', promql: query },
    ] as const;
    const noData: WindowState = { state: 'noData', cause: 'no series match' };
    const freshness = { state: 'ok', ages: [{ metric: 'http_requests_total', ageMs: 2_000_000 }] } as const;
    const server = await serving(measured({ '5m': timedOut, '6h': noData }, { freshness }), { queries });
    const { code, out } = await aegis(['explain', '--slo', slo.id, '--server', server]);
    expect(code).toBe(0);
    expect(out).toMatch(/^WARN .*: query failed: total \(window=5m\): timeout: no answer within 5s$/m);
    expect(out).toContain('and: data is stale\nand: insufficient data (zero traffic)\n');
    expect(out).toContain('  total of 5m: timeout: no answer within 5s (asked 2 times)\n');
    expect(out).toContain('  6h: no series match\n');
    expect(out).toContain('  http_requests_total: newest sample is 33m old (limit 10m)\n');
    expect(out).toContain(
      'Paste into Prometheus, evaluated at 2026-11-20T12:00:00.000Z (time=1795176000.000)\n' +
        '  # total of 5m\n  sum(rate(http_requests_total[5m])) # all\n    + 0\n',
    );
    expect(out).not.toContain('  up\n');
  });

  test('a decision that has grown old is told as it stands, and as it was', async () => {
    const server = await serving(measured({}), { ageMs: 15 * 60_000 });
    const { code, out } = await aegis(['explain', '--slo', slo.id, '--server', server]);
    expect(code).toBe(0);
    expect(out).toMatch(/^WARN .*: decision is overdue \(evaluated 15m ago, interval 5m\)$/m);
    expect(out).toContain('the evaluation itself said ALLOW');
    expect(out).toContain('error budget of 30d: 90% left, lasts longer than 30d at the rate of 6h (0.10x)');
  });

  test('an earlier evaluation is asked for by its id, as JSON where wanted', async () => {
    const evaluation = measured({ '*': burning });
    const server = await serving(evaluation);
    const words = ['explain', '--evaluation', evaluation.id, '--server', server, '--format', 'json'];
    const { code, out } = await aegis(words);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      sloID: slo.id,
      evaluationID: evaluation.id,
      decision: 'BLOCK',
      reasons: evaluation.result.items.map((item) => item.reason),
      ageSeconds: null,
      budget: { state: 'spent' },
      unknown: [],
      paste: { at: '2026-11-20T12:00:00.000Z' },
      evaluation: { evaluationID: evaluation.id, decision: 'BLOCK', specHash: evaluation.specHash },
    });
  });

  test('colours where they are wanted, none of a stranger', async () => {
    const note = 'PromQL info: \u001b[31mred';
    const server = await serving(measured({}, { infos: [note] }));
    const { out } = await aegis(['explain', '--slo', slo.id, '--server', server], { FORCE_COLOR: '1' });
    expect(out).toContain('\u001b[32mALLOW\u001b[0m');
    expect(out).toContain('PromQL info: \\u001b[31mred');
  });

  test('an evaluation that another one replaced before its row was written gives way to that one', async () => {
    const [gone, latest] = [measured({}), measured({})];
    const real = await serving(latest);
    const { url, asked, close } = await serve((question, response) => {
      if (question.url?.includes(gone.id)) {
        json(response, 404, { error: `evaluation not found: ${gone.id}` });
        return;
      }
      const body = question.method === 'POST' ? { body: question.body } : {};
      void fetch(real + String(question.url), { method: question.method ?? 'GET', ...body }).then(async (answer) => {
        const told = (await answer.json()) as Record<string, unknown>;
        json(response, 200, asked.length === 1 ? { ...told, evaluationID: gone.id } : told);
      });
    });
    onTestFinished(close);
    const { code, out } = await aegis(['explain', '--slo', slo.id, '--server', url]);
    expect({ code, asked: asked.length }).toEqual({ code: 0, asked: 4 });
    expect(out).toContain(`evaluation ${latest.id} `);
  });

  test('where there is nothing to explain it says why, with exit code 3', async () => {
    const server = await serving(measured({}));
    const bare = { evaluationID: 'e1', sloID: 'old', timestamp: '2024-01-15T10:30:00Z', notes: [] };
    const original = await serve((_, response) =>
      json(response, 200, { ...bare, decision: 'WARN', reasons: ['data is stale'] }),
    );
    onTestFinished(original.close);
    const closed = await serve(() => undefined);
    await closed.close();
    for (const [words, why] of [
      [['--slo', 'nobody', '--server', server], 'no evaluation found for SLO: nobody'],
      [['--evaluation', '../x', '--server', server], 'evaluation not found: ../x'],
      [['--evaluation', 'e1', '--server', original.url], 'no evidence was kept for this evaluation; it said WARN'],
      [['--evaluation', 'e2', '--server', original.url], 'it is about another evaluation: e1'],
      [['--evaluation', 'e1', '--server', closed.url, '--timeout', '300ms'], 'refused the connection'],
    ] as const) {
      const ran = await aegis(['explain', ...words]);
      expect(ran, why).toMatchObject({ code: 3, out: '' });
      expect(ran.err).toContain(why);
      expect(ran.err).toContain('aegis explain: nothing to explain: ');
    }
  });

  test.each<[string[], string]>([
    [[], '--slo: missing'],
    [['--slo', 'a', '--evaluation', 'b'], '--slo: not allowed together with --evaluation'],
    [['--slo', 'a', '--format', 'xml'], '--format: "xml" is not allowed'],
    [['--slo', 'a', '--server', 'http://u:secret@'], '--server: '],
  ])('%j is a mistake in the command line', async (words, message) => {
    const ran = await aegis(['explain', ...words]);
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).toContain(`aegis explain: ${message}`);
    expect(ran.err).not.toContain('secret');
  });
});

describeWithPrometheus('aegis explain, with a server and a Prometheus', () => {
  let prometheus: TestPrometheus;
  let gate: GateServer;
  beforeAll(async () => {
    prometheus = await startPrometheus();
    const good = 'sum(rate(http_requests_total{scenario="fast-burn",status!~"5.."}[{{window}}])) # but errors';
    const total = 'sum(rate(http_requests_total{scenario="fast-burn"}[{{window}}]))';
    gate = await createGate({ slos: [sloDocument({ good, total })], prometheusUrl: prometheus.url });
    await gate.start();
  });
  afterAll(async () => {
    await gate.remove();
    await prometheus.stop();
  });

  test('the queries, pasted with their instant, give the numbers of the table', async () => {
    // The second evaluation makes the first one a row of the database, whose queries are made again.
    const { evaluationID } = await gate.decide('api-availability', true);
    await gate.decide('api-availability', true);
    const { code, out, err } = await aegis(['explain', '--evaluation', evaluationID, '--server', gate.url]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^BLOCK .*: rule fast-burn triggered/);
    const [, time = ''] = /\(time=([\d.]+)\)$/m.exec(out) ?? [];
    const [, good = ''] = /# good of 1h\n {2}(.*)$/m.exec(out) ?? [];
    const [, total = ''] = /# total of 1h\n {2}(.*)$/m.exec(out) ?? [];
    const [, goodShown, totalShown] = /^1h +(\S+) +(\S+) /m.exec(out) ?? [];
    const asPrinted = async (promql: string) => {
      const body = new URLSearchParams({ query: promql, time });
      const answer = await fetch(`${prometheus.url}/api/v1/query`, { method: 'POST', body });
      const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
      return String(Number(Number(data.result[0]?.value[1]).toPrecision(6)));
    };
    expect([await asPrinted(good), await asPrinted(total)]).toEqual([goodShown, totalShown]);
  });
});

import { readFileSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { SloDocument } from '../../src/slo/model.ts';
import { aegis } from '../cli/aegis.ts';
import { eventually } from '../support/eventually.ts';
import { createGate, type Answer, type GateOptions, type GateServer } from '../support/gate-server.ts';
import { allScenarios, fleet } from '../support/metric-scenarios.ts';
import { describeWithPrometheus, startPrometheus, type TestPrometheus } from '../support/prometheus.ts';
import { scenarioSlo } from '../support/scenario-slo.ts';
import { sloDocument } from '../support/slo.ts';

const readmeSlo = readFileSync(new URL('../data/seeds-examples/readme-slo.yaml', import.meta.url), 'utf8');
const windows = ['5m', '1h', '6h', '30d'] as const;

describeWithPrometheus('the server on a real Prometheus with a month of history', () => {
  let prometheus: TestPrometheus;
  let gate: GateServer | undefined;
  beforeAll(async () => {
    prometheus = await startPrometheus({ series: [...allScenarios(), ...fleet(150)] });
  });
  afterAll(() => prometheus.stop());
  afterEach(() => gate?.remove());

  async function startGate(options: GateOptions): Promise<GateServer> {
    gate = await createGate({ prometheusUrl: prometheus.url, ...options });
    await gate.start();
    return gate;
  }

  /** What the formula of the README gives, computed by Prometheus alone for the instant of an answer. */
  async function burnRateByPrometheus(labels: string, window: string, answer: Answer): Promise<number> {
    const sum = (matchers: string) => `sum(rate(http_requests_total{${matchers}}[${window}]))`;
    const query = `((${sum(labels)} - ${sum(`${labels}status!~"5.."`)}) / ${sum(labels)}) / 0.005`;
    const body = new URLSearchParams({ query, time: answer.timestamp });
    const response = await fetch(`${prometheus.url}/api/v1/query`, { method: 'POST', body });
    const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } };
    return Number(data.result[0]?.value[1]);
  }

  /**
   * An answer whose every burn rate is the one that Prometheus gives for its instant. A scrape that was under way at
   * that instant comes into the second and was not in the first: then both are asked anew.
   */
  function untilSteady(server: GateServer, sloId: string, labels: string): Promise<Answer> {
    return eventually(async () => {
      const answer = await server.decide(sloId, true);
      for (const window of windows) {
        const byPrometheus = await burnRateByPrometheus(labels, window, answer);
        const { burnRate } = answer.burnRates[window]!;
        if (Number.isFinite(byPrometheus)) expect(burnRate, `${sloId} ${window}`).toBeCloseTo(byPrometheus, 9);
        else expect(answer.hasNoTraffic, `${sloId} ${window}`).toBe(true);
      }
      return answer;
    }, 60_000);
  }

  it('decides what the data says', async () => {
    const cases: readonly (readonly [SloDocument, Partial<Answer>])[] = [
      [scenarioSlo('healthy'), { decision: 'ALLOW', reasons: ['all burn rate checks passed'] }],
      [
        scenarioSlo('exactly-7-percent'),
        {
          decision: 'BLOCK',
          reasons: [
            'rule fast-burn triggered: short=14.00x, long=14.00x (threshold=14.00x)',
            'rule slow-burn triggered: short=14.00x, long=14.00x (threshold=7.00x)',
          ],
        },
      ],
      [
        scenarioSlo('slow-burn'),
        {
          decision: 'BLOCK',
          reasons: ['rule slow-burn triggered: short=8.00x, long=8.00x (threshold=7.00x)'],
        },
      ],
      [scenarioSlo('spike'), { decision: 'ALLOW' }],
      [scenarioSlo('recovered'), { decision: 'ALLOW' }],
      [scenarioSlo('young'), { decision: 'ALLOW', reasons: ['all burn rate checks passed'] }],
      [scenarioSlo('fleet'), { decision: 'ALLOW' }],
      [
        scenarioSlo('no-traffic'),
        {
          decision: 'WARN',
          hasNoTraffic: true,
          reasons: ['insufficient data (zero traffic)'],
          reasonCodes: ['no_traffic'],
        },
      ],
      [
        scenarioSlo('stopped'),
        { decision: 'WARN', isStale: true, reasonCodes: ['stale', 'missing_total', 'few_points'] },
      ],
    ];
    const server = await startGate({ slos: cases.map(([document]) => document) });
    for (const [{ metadata }, expected] of cases) {
      const answer = await untilSteady(server, metadata.id, `scenario="${metadata.id}",`);
      expect(answer, metadata.id).toMatchObject(expected);
    }
  });

  it('holds a pipeline for a total that no series has, and not for one of 0', async () => {
    const misspelled = (id: string, otherwise = '') => {
      const of = (more: string) => `sum(rate(http_request_total{scenario="healthy"${more}}[{{window}}]))${otherwise}`;
      return sloDocument({ id, good: of(',status!~"5.."'), total: of('') });
    };
    const slos = [
      scenarioSlo('no-traffic'),
      misspelled('misspelled'),
      misspelled('zero-in-its-place', ' or vector(0)'),
    ];
    const server = await startGate({ slos });
    const [idle, ...missing] = await Promise.all(
      slos.map(async ({ metadata: { id } }) => {
        const { code, out } = await aegis(['gate', '--slo', id, '--server', server.url, '--fresh', '--format', 'json']);
        return {
          id,
          code,
          answer: (JSON.parse(out) as { results: readonly { answer: unknown }[] }).results[0]?.answer,
        };
      }),
    );
    const reasons = expect.arrayContaining(['insufficient data (zero traffic)']) as unknown;
    expect(idle).toMatchObject({ code: 0, answer: { decision: 'WARN', reasonCodes: ['no_traffic'], reasons } });
    expect(missing).toHaveLength(2);
    for (const one of missing) {
      const reasonCodes = ['missing_total', 'few_points'];
      expect(one, one.id).toMatchObject({ code: 1, answer: { decision: 'WARN', reasonCodes, reasons } });
    }
    const text = await aegis(['gate', '--slo', 'misspelled', '--server', server.url, '--fresh', '--format', 'text']);
    expect(text.out).toContain('missing_total');
  });

  it("takes the README's SLO as it stands, over some hundreds of series", async () => {
    const server = await startGate({ files: { 'api-availability.yaml': readmeSlo } });
    const answer = await untilSteady(server, 'api-availability', '');
    expect(answer.ttl).toBe(300);
    expect(Object.keys(answer.burnRates).sort()).toEqual([...windows].sort());
    expect(answer.burnRates['5m']?.threshold).toBe(14);
    expect(answer.burnRates['6h']?.threshold).toBe(7);
    expect(answer.burnRates['30d']).not.toHaveProperty('threshold');
  });

  it('tells a target that dies, and that it is back', async () => {
    const gating = { stalenessLimit: '10s' };
    const server = await startGate({ slos: [scenarioSlo('healthy', { interval: '1s', gating })] });
    await server.waitFor('healthy', 'ALLOW', 60_000); // Prometheus scrapes first some seconds after its start
    prometheus.setExporter('down');
    const stale = await server.waitFor('healthy', 'WARN', 60_000);
    expect(stale).toMatchObject({ isStale: true, reasons: ['data is stale'] });
    expect(stale.notes.join()).toMatch(/http_requests_total: newest sample is \d+s old \(limit 10s\)/);
    prometheus.setExporter([...allScenarios(), ...fleet(150)]);
    await server.waitFor('healthy', 'ALLOW', 60_000);
  });

  it('is WARN within two intervals of the death of Prometheus, ALLOW again by itself, and logs what it stores', async () => {
    const fast = { interval: '1s' };
    const slos = [scenarioSlo('healthy', fast), scenarioSlo('young', fast), scenarioSlo('slow-burn', fast)];
    const server = await startGate({ slos });
    await server.waitFor('healthy', 'ALLOW');
    await server.waitFor('young', 'ALLOW');

    await prometheus.kill();
    const killedAtMs = Date.now();
    const answers: { readonly askedAtMs: number; readonly answer: Answer }[] = [];
    await eventually(async () => {
      const askedAtMs = Date.now();
      const answer = await server.decide('healthy');
      answers.push({ askedAtMs, answer });
      expect(answer.reasonCodes).toContain('query_failed');
    });
    for (const { askedAtMs, answer } of answers.filter((one) => one.answer.decision === 'ALLOW')) {
      expect(askedAtMs - Date.parse(answer.timestamp)).toBeLessThanOrEqual(2_000);
      expect(Date.parse(answer.timestamp)).toBeLessThanOrEqual(killedAtMs);
    }
    expect(answers.at(-1)?.answer).toMatchObject({ decision: 'WARN', sli: { value: null } });
    // The last measured BLOCK ends two intervals after it was measured; until then a fault does not open the gate.
    const blocked = await server.waitFor('slow-burn', 'WARN');
    expect(blocked.reasonCodes).toContain('query_failed');

    await prometheus.restart();
    const back = await server.waitFor('healthy', 'ALLOW');
    expect(Date.parse(back.timestamp)).toBeGreaterThan(killedAtMs);
    await server.waitFor('young', 'ALLOW');
    await server.decide('healthy', true);
    expect(await server.stop()).toBe(0);

    const rows = storedIn(server.db);
    // Once it is back, with the circuit closed, all is measured: no evaluation is skipped, no failure lingers.
    const later = rows.filter((row) => row.slo_id === 'healthy' && row.atMs >= Date.parse(back.timestamp));
    expect(later.length).toBeGreaterThan(0);
    expect(new Set(later.map((row) => row.decision))).toEqual(new Set(['ALLOW']));
    expectLogAndAuditToAgree(server, rows);
  });
});

interface Row {
  readonly evaluation_id: string;
  readonly slo_id: string;
  readonly decision: string;
  readonly sli: number | null;
  readonly reason_codes_json: string;
  readonly atMs: number;
}

function storedIn(path: string): readonly Row[] {
  const db = new Sqlite(path, { readonly: true });
  try {
    const rows = db.prepare<[], Row & { timestamp: string }>('SELECT * FROM evaluations').all();
    return rows.map((row) => ({ ...row, atMs: Date.parse(`${row.timestamp.replace(' ', 'T')}Z`) }));
  } finally {
    db.close();
  }
}

/** One row for each line `Evaluated SLO`, one line for each row, and both say the same. */
function expectLogAndAuditToAgree(server: GateServer, rows: readonly Row[]): void {
  const lines = server.lines();
  const evaluated = lines
    .filter(({ message }) => String(message).startsWith('Evaluated SLO '))
    .map(({ evaluation_id: id, message }) => `${String(id)} ${String(message)}`);
  const stored = rows.map(
    ({ evaluation_id: id, slo_id: slo, decision, sli }) =>
      `${id} Evaluated SLO ${slo}: decision=${decision}, SLI=${sli === null ? 'n/a' : sli.toFixed(4)}`,
  );
  expect(stored.length).toBeGreaterThan(5);
  expect(evaluated.toSorted()).toEqual(stored.toSorted());

  const failed = rows.filter((row) => row.reason_codes_json.includes('"query_failed"'));
  const errors = lines.filter(({ message }) => String(message).startsWith('Error evaluating SLO '));
  expect(failed.length).toBeGreaterThan(0);
  expect(errors.map(({ slo_id: slo }) => String(slo)).toSorted()).toEqual(failed.map((row) => row.slo_id).toSorted());
  for (const { message } of errors) {
    expect(message).toMatch(
      /: query (good|total) metrics \(window=\w+\): query failed after \d+ attempts: (unreachable|server|timeout): /,
    );
  }
}

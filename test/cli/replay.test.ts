import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { run } from '../../src/cli/run.ts';
import { createGate, type GateServer } from '../support/gate-server.ts';
import { sloDocument } from '../support/slo.ts';
import { aegis, json, serve } from './aegis.ts';

const windows = ['30d', '5m', '1h', '6h'];
const fixture = (rest: object) => ({
  windows: Object.fromEntries(windows.map((name) => [name, { total: 100_000, ...rest }])),
});
const healthy = fixture({ good: 99_950 });
const burning = fixture({ good: 80_000 });

const fixtures: Readonly<Record<string, unknown>> = {
  healthy,
  burning,
  held: burning,
  warned: burning,
  idle: fixture({ good: 0, total: 0 }),
  accepted: fixture({ good: 0, total: 0 }),
  stale: fixture({ good: 99_950, dataTimestamp: '2024-01-15T10:30:00Z' }),
  thin: fixture({ good: 99_950, dataPoints: 3 }),
  missing: fixture({ good: null }),
  impossible: fixture({ good: 103_000 }),
};

const warnRules = [{ name: 'slow', shortWindow: '5m', longWindow: '1h', threshold: 2, action: 'WARN' }] as const;

describe('aegis replay', () => {
  let gate: GateServer;
  beforeAll(async () => {
    const slos = [...Object.keys(fixtures), 'failed'].map((id) =>
      sloDocument({
        id,
        ...(id === 'warned' && { rules: warnRules }),
        ...(id === 'accepted' && { gating: { noTraffic: 'ALLOW' } }),
      }),
    );
    gate = await createGate({ slos, fixtures });
    await gate.start();
  });
  afterAll(() => gate.remove());

  test('every row that the server wrote is decided again in the same way', async () => {
    for (const id of [...Object.keys(fixtures), 'failed']) await gate.decide(id, true);
    await gate.writeFixture('held', 'not a fixture');
    const held = await gate.decide('held', true);
    expect(held).toMatchObject({ decision: 'BLOCK', reasonCodes: ['query_failed', 'held', 'held'] });

    const { records } = (await gate.get('/v1/audit?limit=1000')).body as { records: readonly Row[] };
    const seen = new Set(records.flatMap(({ decision, reasonCodes }) => [decision, ...reasonCodes]));
    for (const wanted of ['ALLOW', 'WARN', 'BLOCK', 'held', 'query_failed', 'no_traffic', 'stale', 'rule_triggered'])
      expect([...seen]).toContain(wanted);
    for (const { evaluationID, decision, reasons } of records) {
      const { code, out } = await replay('--evaluation', evaluationID, '--server', gate.url, '--format', 'json');
      expect({ code, ...(JSON.parse(out) as object) }).toMatchObject({
        code: 0,
        same: true,
        evaluationID,
        recorded: { decision, reasons },
        replayed: { decision, reasons },
      });
    }
  });

  test('both decisions are shown; another one than recorded is exit code 1', async () => {
    const { evaluationID } = await gate.decide('burning', true);
    const same = await aegis(['replay', '--evaluation', evaluationID, '--server', gate.url]);
    expect(same).toMatchObject({ code: 0, err: '' });
    expect(same.out).toMatch(/^same {2}burning, evaluation .*\nrecorded {2}BLOCK .*\n[^]*\nreplayed {2}BLOCK /);

    // The server's own `recomputed` agrees with the false record: it must not be believed.
    const { body } = await gate.get(`/v1/evaluations/${evaluationID}`);
    const claim = { decision: 'ALLOW', reasons: ['all burn rate checks passed'] };
    const forged = await serve((_, response) =>
      json(response, 200, { ...(body as object), ...claim, recomputed: claim }),
    );
    onTestFinished(forged.close);
    const different = await aegis(['replay', '--evaluation', evaluationID, '--server', forged.url]);
    expect(different).toMatchObject({ code: 1, err: '' });
    expect(different.out).toMatch(/^different /);
    expect(different.out).toMatch(/recorded {2}ALLOW .*\n {2}- all burn rate checks passed\n/);
    expect(different.out).toMatch(/replayed {2}BLOCK .*\n {2}\+ rule fast-burn triggered/);
  });

  test('without evidence there is nothing to decide on', async () => {
    const { evaluationID } = await gate.decide('healthy');
    const { body } = await gate.get(`/v1/evaluations/${evaluationID}`);
    for (const [change, why] of [
      [{ evidence: undefined }, 'no evidence was kept'],
      [{ evidence: { v: 2 } }, 'a form that this version of aegis does not know'],
      [{ slo: { kind: 'SLO' } }, 'its SLO cannot be read'],
      [{ sloID: 'another' }, 'its SLO cannot be read'],
      [{ decision: 'MAYBE' }, 'is no evaluation: /decision'],
    ] as const) {
      const server = await serve((_, response) => json(response, 200, { ...(body as object), ...change }));
      onTestFinished(server.close);
      const ran = await replay('--evaluation', evaluationID, '--server', server.url);
      expect(ran, why).toMatchObject({ code: 3, out: '' });
      expect(ran.err).toContain(why);
    }
    const unknown = await replay('--evaluation', 'nobody', '--server', gate.url);
    expect(unknown).toMatchObject({ code: 3, out: '' });
    expect(unknown.err).toContain('evaluation not found: nobody');
    expect(await replay('--server', gate.url)).toMatchObject({ code: 2, out: '' });
  });
});

interface Row {
  readonly evaluationID: string;
  readonly decision: string;
  readonly reasons: readonly string[];
  readonly reasonCodes: readonly string[];
}

/** `aegis replay` in this process, for its many runs. */
async function replay(...words: readonly string[]) {
  let [out, err] = ['', ''];
  const code = await run(['replay', ...words], {
    out: (text) => Promise.resolve(void (out += text)),
    err: (text) => Promise.resolve(void (err += text)),
    isTerminal: false,
    colours: false,
    env: {},
    size: () => undefined,
    onResize: () => undefined,
    untilInterrupted: () => new AbortController().signal,
  });
  return { code, out, err };
}

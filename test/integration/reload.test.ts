import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { createGate, type GateServer } from '../support/gate-server.ts';

const fixture = (pairs: Record<string, [number, number]>) => ({
  windows: Object.fromEntries(
    Object.entries(pairs).map(([window, [good, total]]) => [window, { good, total, dataPoints: 60 }]),
  ),
});

// Only the second rule burns: the text up to it is a valid SLO, too, and would be an ALLOW.
const slowly = fixture({ '5m': [96, 100], '1h': [96, 100], '6h': [96, 100], '30d': [9995, 10000] });
const calm = fixture({ '5m': [100, 100], '1h': [100, 100], '6h': [100, 100], '30d': [100, 100] });

function text(id: string, revision: number): readonly [string, string] {
  return [
    `apiVersion: aegis.slo/v1
kind: SLO
metadata: {id: ${id}, service: checkout, description: revision ${revision}}
spec:
  environment: production
  objective: 0.995
  complianceWindow: 30d
  evaluationInterval: 5m
  gating: {minDataPoints: 1, stalenessLimit: 10m}
  sli:
    type: availability
    good: {prometheusQuery: 'sum(rate(good_total[{{window}}]))'}
    total: {prometheusQuery: 'sum(rate(all_total[{{window}}]))'}
  burnPolicy:
    rules:
      - {name: fast-burn, shortWindow: 5m, longWindow: 1h, threshold: 14}
`,
    `      - {name: slow-burn, shortWindow: 1h, longWindow: 6h, threshold: 7}
`,
  ];
}

/** As an editor without care does it: the file is emptied, then written in two pieces. */
function writeInPlace(path: string, pieces: readonly string[]): void {
  const file = openSync(path, 'a');
  ftruncateSync(file);
  for (const piece of pieces) writeSync(file, piece);
  closeSync(file);
}

describe('SLO files that are rewritten under load', () => {
  let gate: GateServer;
  beforeAll(async () => {
    gate = await createGate({
      files: { 'burning.yaml': text('burning', 0).join(''), 'calm.yaml': text('calm', 0).join('') },
      fixtures: { burning: slowly, calm },
    });
    await gate.start();
  });
  afterAll(() => gate.remove());

  it('fail no request, and no half-read file is decided by', async () => {
    const before = await gate.waitFor('calm', 'ALLOW');
    let isOver = false;
    const answers: { decision: string; reasons: readonly string[] }[] = [];
    const ask = async () => {
      while (!isOver) answers.push(await gate.decide('burning', answers.length % 5 === 0));
    };
    const clients = Promise.all([ask(), ask(), ask()]);
    const path = join(gate.sloDir, 'burning.yaml');
    for (let revision = 1; revision <= 100; revision += 1) {
      const pieces = text('burning', revision);
      if (revision % 2 === 0) await gate.writeFile('burning.yaml', pieces.join(''));
      else writeInPlace(path, pieces);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await eventually(async () => {
      const { body } = await gate.get('/v1/slo/burning');
      expect(body).toMatchObject({ metadata: { description: 'revision 100' } });
    });
    isOver = true;
    await clients;
    expect(answers.length).toBeGreaterThan(100);
    for (const { decision, reasons } of answers)
      expect(`${decision} ${reasons.join()}`).toMatch(/^BLOCK rule slow-burn/);
    // What was not touched kept its loop and its decision.
    expect((await gate.decide('calm')).evaluationID).toBe(before.evaluationID);
  });

  it('keep the last good version of a file that turned bad, and say so in the words of aegis validate', async () => {
    await gate.writeFile('burning.yaml', text('burning', 101).join('').replace('0.995', '99.5'));
    await eventually(async () => {
      const { body } = await gate.get('/readyz');
      expect(JSON.stringify(body)).toContain('burning.yaml');
    });
    expect((await gate.get('/readyz')).status).toBe(200);
    expect(JSON.stringify((await gate.get('/v1/status')).body)).toContain('spec.objective');
    expect((await gate.decide('burning')).decision).toBe('BLOCK');
  });

  it('let an SLO go with its file', async () => {
    await unlink(join(gate.sloDir, 'burning.yaml'));
    await eventually(async () => expect((await gate.get('/v1/slo/burning')).status).toBe(404));
    await expect(gate.decide('burning')).rejects.toThrow('no evaluation found for SLO: burning');
    expect((await gate.decide('calm')).decision).toBe('ALLOW');
  });
});

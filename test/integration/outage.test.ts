import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { Pool } from 'undici';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createGate, type Answer, type GateServer } from '../support/gate-server.ts';
import { allScenarios } from '../support/metric-scenarios.ts';
import { describeWithPrometheus, startPrometheus, type TestPrometheus } from '../support/prometheus.ts';
import { scenarioSlo } from '../support/scenario-slo.ts';

const decisions = 10_000;
const beforeTheKill = 1_000;
const atOnce = 100;
const quick = ['healthy', 'healthy-2', 'healthy-3', 'healthy-4'];
const slow = 'slow';
/** Lasts longer than the pauses between ten thousand decisions allow any ALLOW of the quick SLOs to live. */
const pauseMs = 50;
/** The resident memory of a server that keeps nothing of an answered request moves by some garbage, not by its requests. */
const mostGrowthMb = 120;

interface Heard {
  readonly sloId: string;
  readonly forced: boolean;
  readonly askedAtMs: number;
  readonly status: number;
  readonly answer: Answer;
}

describeWithPrometheus('ten thousand decisions, Prometheus killed under the server', () => {
  let prometheus: TestPrometheus;
  let gate: GateServer;
  let client: Pool;
  beforeAll(async () => {
    prometheus = await startPrometheus({ series: allScenarios().filter((one) => one.labels.scenario === 'healthy') });
    gate = await createGate({
      prometheusUrl: prometheus.url,
      slos: [
        ...quick.map((id) => scenarioSlo('healthy', { id, interval: '1s' })),
        scenarioSlo('healthy', { id: slow, interval: '5m' }),
      ],
    });
    await gate.start();
    client = new Pool(gate.url, { connections: atOnce });
  });
  afterAll(async () => {
    await client.close();
    await gate.remove();
    await prometheus.stop();
  });

  async function ask(sloId: string, forced: boolean): Promise<Heard> {
    const askedAtMs = Date.now();
    const body = JSON.stringify({ sloID: sloId, ...(forced && { forceFresh: true }) });
    const response = await client.request({ method: 'POST', path: '/v1/gate/decision', body });
    const answer = (await response.body.json()) as Answer;
    return { sloId, forced, askedAtMs, status: response.statusCode, answer };
  }

  /** Mostly plain questions, with a forced one in each five hundred; the slow SLO is forced in the last tenth only. */
  async function askMany(from: number, to: number): Promise<Heard[]> {
    const heard: Heard[] = [];
    for (let begin = from; begin < to; begin += atOnce) {
      const questions = Array.from({ length: atOnce }, (_, index) => {
        const isSlow = index % 5 === 0;
        const sloId = isSlow ? slow : quick[index % quick.length]!;
        const mayForce = begin % (5 * atOnce) === 0 && (!isSlow || begin >= 0.9 * decisions);
        return ask(sloId, mayForce && index === (isSlow ? 0 : 1));
      });
      heard.push(...(await Promise.all(questions)));
      await wait(pauseMs);
    }
    return heard;
  }

  it('hears no ALLOW later than twice the interval after what it rests on', async () => {
    for (const id of [...quick, slow]) await gate.waitFor(id, 'ALLOW');
    const before = await askMany(0, beforeTheKill);
    const memoryBeforeMb = residentMb(gate);
    await prometheus.kill();
    const killedAtMs = Date.now();
    const after = await askMany(beforeTheKill, decisions);

    const all = [...before, ...after];
    expect(all).toHaveLength(decisions);
    expect(all.filter(({ status }) => status !== 200)).toEqual([]);
    expect(all.filter(isTooOldAllow)).toEqual([]);
    const allowed = after.filter(({ answer }) => answer.decision === 'ALLOW');
    // Nothing that began when Prometheus was dead can have found health.
    expect(allowed.filter(({ answer }) => Date.parse(answer.timestamp) > killedAtMs)).toEqual([]);
    expect(after.filter(({ forced, answer }) => forced && answer.decision !== 'WARN')).toEqual([]);

    // Each was an ALLOW before, and the end of it was seen.
    for (const id of [...quick, slow]) {
      expect(before.filter(({ sloId }) => sloId === id).map(({ answer }) => answer.decision)).toContain('ALLOW');
      const last = after.findLast(({ sloId }) => sloId === id);
      expect(last?.answer, id).toMatchObject({ decision: 'WARN' });
      expect(last?.answer.reasonCodes, id).toContain('query_failed');
    }
    // A decision of five minutes ago stands until it is asked for anew: its bound is ten minutes.
    expect(allowed.filter(({ sloId }) => sloId === slow).length).toBeGreaterThan(0);
    expect(residentMb(gate) - memoryBeforeMb).toBeLessThan(mostGrowthMb);
  });
});

/** Judged by the instant of the evaluation and the client's own clock, before the server's word for the age is heard. */
function isTooOldAllow({ sloId, askedAtMs, answer }: Heard): boolean {
  if (answer.decision !== 'ALLOW') return false;
  const boundMs = sloId === slow ? 600_000 : 2_000;
  return askedAtMs - Date.parse(answer.timestamp) > boundMs || answer.age * 1000 > boundMs;
}

/** The kernel's word; 0 where it has none, so that nothing is compared. */
function residentMb(gate: GateServer): number {
  if (process.platform !== 'linux') return 0;
  const status = readFileSync(`/proc/${gate.process().pid ?? 0}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

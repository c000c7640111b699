import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFaultProxy, type FaultProxy } from '../../support/fault-proxy.ts';
import { createGate, type GateServer } from '../../support/gate-server.ts';
import { describeWithPrometheus, startPrometheus } from '../../support/prometheus.ts';
import { answerGates, answerRows, type AnswerRow } from './answer-rows.ts';
import {
  isExpected,
  lateAllows,
  lateRecovery,
  peakMemory,
  requestsOf,
  settled,
  storms,
  unprovenAllows,
  wronglyHeld,
} from './claims.ts';
import { storyOf, untilSeen, untilWell, wellAnswers, type Episode, type Story } from './episode.ts';
import { expectOnPage } from './page.ts';
import { healths, idOf, markOf, requestSeries, subject, type Health } from './service.ts';
import { watch, type Watch } from './watch.ts';

const intervalMs = 4_000;
const boundMs = 2 * intervalMs;
const nameOf = (row: AnswerRow) => `row-${answerRows.indexOf(row)}`;
const idsOf = (row: AnswerRow) => healths.map((health) => idOf(nameOf(row), health));
const subjectsOf = (row: AnswerRow) =>
  healths.map((health) =>
    subject(health, { name: nameOf(row), source: 'well', intervalSeconds: intervalMs / 1000, stalenessLimit: '5m' }),
  );
const lives = ['from the first request', 'in a healthy life'] as const;

const wideWith = (timeout: string) =>
  ['--prometheus-timeout', timeout, '--prometheus-concurrency', '64', '--evaluation-concurrency', '100'] as const;

function known<T>(found: ReadonlyMap<string, T>, key: string): T {
  const value = found.get(key);
  if (value === undefined) throw new Error(`${key} was not lived through`);
  return value;
}

/** All faults strike at once, each the SLOs of its row: from a gate's first request, and again in its healthy life. */
describeWithPrometheus('answers that go wrong', () => {
  let proxy: FaultProxy;
  const gates: { readonly gate: GateServer; readonly watched: Watch; readonly ids: readonly string[] }[] = [];
  const episodes = new Map<string, Episode>();
  const stories = new Map<string, Story>();

  beforeAll(async () => {
    const prometheus = await startPrometheus({ series: requestSeries('well') });
    closing.push(() => prometheus.stop());
    proxy = await startFaultProxy(prometheus.url);
    closing.push(() => proxy.close());
    await strike();
    for (const { timeout, rows } of answerGates) {
      const gate = await createGate({
        slos: rows.flatMap(subjectsOf),
        prometheusUrl: proxy.url,
        args: wideWith(timeout),
      });
      closing.push(() => gate.remove());
      await gate.start();
      const ids = rows.flatMap(idsOf);
      gates.push({ gate, ids, watched: watch(gate, ids) });
    }
    episodes.set('from the first request', await lived());
    await strike();
    episodes.set('in a healthy life', await lived());
    for (const { gate, watched, ids } of gates) {
      await watched.stop();
      for (const id of ids) stories.set(id, await storyOf(gate, watched, id));
    }
  }, 500_000);
  const closing: (() => Promise<void>)[] = [];
  afterAll(async () => {
    for (const close of closing.reverse()) await close();
  });

  const strike = () =>
    proxy.setEach(answerRows.flatMap((row) => idsOf(row).map((id) => ({ ...row, about: markOf(id) }))));

  const lived = async (): Promise<Episode> => {
    const beganAtMs = Date.now();
    await Promise.all(gates.map(({ watched, ids }) => untilSeen(watched, ids, beganAtMs + boundMs)));
    const endedAtMs = Date.now();
    await proxy.set('pass');
    const wellFromMs = Date.now();
    await Promise.all(gates.map(({ watched, ids }) => untilWell(watched, ids, wellFromMs)));
    return { beganAtMs, endedAtMs, wellFromMs };
  };

  const story = (row: AnswerRow, health: Health) => known(stories, idOf(nameOf(row), health));
  const told = (row: AnswerRow, health: Health, life: string) =>
    settled(story(row, health), known(episodes, life), boundMs, isExpected(row)[health]);

  describe.each(answerRows)('$title', (row) => {
    it('leads to no ALLOW that is not proven', () => {
      for (const health of healths) {
        const requests = requestsOf(proxy.seen, [idOf(nameOf(row), health)]);
        expect(unprovenAllows(story(row, health), requests, boundMs)).toEqual([]);
      }
    });

    it.each(lives)('%s: no ALLOW after the bound, and a reason that names the cause', (life) => {
      const healthy = story(row, 'healthy');
      if (row.code !== 'ok') expect(lateAllows(healthy, known(episodes, life), boundMs)).toEqual([]);
      expect(told(row, 'healthy', life).reasonCodes).toContain(row.code);
      expect(told(row, 'healthy', life).reasons.join('; ')).toContain(row.cause);
    });

    it('leaves a BLOCK closed: while it is measured, and for two intervals where it is not', () => {
      const burning = story(row, 'burning');
      expect(wronglyHeld(burning, boundMs)).toEqual([]);
      for (const life of lives) {
        expect(told(row, 'burning', life).decision).toBe(row.measured ? 'BLOCK' : 'WARN');
      }
    });

    it.each(lives)('%s: is over within two intervals', (life) => {
      for (const health of healths) {
        expect(lateRecovery(story(row, health), known(episodes, life).wellFromMs, wellAnswers[health])).toEqual([]);
      }
    });

    it('is no storm', () => {
      expect(storms(requestsOf(proxy.seen, idsOf(row)), healths.length, intervalMs)).toEqual([]);
    });
  });

  it('held BLOCKs were seen', () => {
    const unmeasured = answerRows.filter((row) => !row.measured);
    const held = unmeasured.filter((row) =>
      story(row, 'burning').sightings.some(({ answer }) => answer.reasonCodes.includes('held')),
    );
    expect(held.length).toBeGreaterThan(unmeasured.length / 2);
  });

  it.each(answerGates.map(({ rows }, index) => [rows.length, index] as const))(
    'a gate of %i rows is no storm, and stays under 300 MB',
    (_, index) => {
      const { gate, ids } = gates[index] ?? {};
      if (gate === undefined || ids === undefined) throw new Error('it was not started');
      expect(storms(requestsOf(proxy.seen, ids), ids.length, intervalMs)).toEqual([]);
      expect(peakMemory(gate)).toBeLessThan(300);
    },
  );

  it('docs/faults.md says so', async () => {
    const rows = answerRows.map((row) => ({
      title: row.title,
      healthy: told(row, 'healthy', 'in a healthy life'),
      burning: told(row, 'burning', 'in a healthy life'),
      end: row.code === 'ok' ? '' : 'ALLOW within two intervals',
    }));
    await expectOnPage('answers', rows);
  });
});

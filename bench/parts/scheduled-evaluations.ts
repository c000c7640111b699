import { setTimeout as wait } from 'node:timers/promises';
import { startGate, type Gate } from '../harness/gate.ts';
import type { Scale } from '../harness/part.ts';
import type { Prometheus } from '../harness/prometheus.ts';
import { shareThatRead } from '../harness/reads.ts';
import type { Result } from '../harness/result.ts';
import { inRounds } from '../harness/rounds.ts';
import { createAsker } from '../harness/serial-queries.ts';
import { sloModel, writeSlos } from '../harness/slos.ts';
import { figureOf } from '../harness/statistics.ts';
import { short } from '../harness/table.ts';
import { until } from '../harness/until.ts';
import type { Workplace } from '../harness/workplace.ts';

const interval = '30s';
/** Two a second, of one cost each: what one SLO asks in half an hour is seen in less than a minute. */
const slos = 60;
/** A window is read again at the latest after this share of its length. */
const keptShare = 1 / 2_880;
const monthIsReadEach = (30 * 86_400 * keptShare) / 30;

/**
 * What scheduled evaluations cost a Prometheus, in a steady state: after their first round, and over three intervals, in
 * which the window of three days is read again. The other Prometheus, of the same data, is asked in the old ways
 * meanwhile.
 */
export async function scheduled(
  workplace: Workplace,
  scale: Scale,
  [own, other]: readonly [Prometheus, Prometheus],
): Promise<readonly Result[]> {
  const sloDir = await writeSlos(workplace, slos, interval);
  const gate = await startGate(workplace, { sloDir, prometheusUrl: own.url });
  await until(() => gate.get('/readyz'));
  const idleMs = await cpuWhileIdle(other, scale.pick(30_000, 3_000));
  const [spent, reference] = await Promise.all([
    watch(gate, own, scale.pick(90_000, 5_000)),
    askTheOldWays(other, scale.pick(8, 1)),
  ]);
  await gate.stop();
  // A quarter of an hour is too long for a benchmark: reads of the month that did not fall into the span are added, and
  // those beyond their share are taken off.
  const monthMs = Math.max(0, reference.union.median - reference.withoutMonth.median);
  const monthShare = shareThatRead(gate.db, '30d', spent.sinceMs);
  const missing = 1 / monthIsReadEach - monthShare;
  const cpuMs = (spent.cpuMs - idleMs * spent.seconds) / spent.evaluations + missing * monthMs;
  const twelve = { name: '12 serial queries', value: reference.serial };
  return [
    {
      ...{ what: 'Prometheus requests a scheduled evaluation', unit: 'requests' },
      ...{
        value: figureOf([spent.queries / spent.evaluations]),
        target: { of: 'value', bound: 'at most', limit: 1.05 },
      },
      note: `${spent.evaluations} evaluations`,
    },
    {
      ...{ what: 'Prometheus CPU a scheduled evaluation', unit: 'ms', value: figureOf([cpuMs]), reference: twelve },
      target: { of: 'ratio', bound: 'at most', limit: 1 / 8 },
      note: `the 30d window, read by one in ${monthIsReadEach}, was read by ${short(monthShare * 100)} %: ${short(missing * monthMs)} ms added`,
    },
    { what: 'Prometheus CPU of one union of all windows', unit: 'ms', value: reference.union, reference: twelve },
    { what: 'the same without the 30d window', unit: 'ms', value: reference.withoutMonth, reference: twelve },
  ];
}

/** Milliseconds a second: scrapes, and what else it does. */
async function cpuWhileIdle({ owned }: Prometheus, forMs: number): Promise<number> {
  const before = owned.cpuMs();
  await wait(forMs);
  return (owned.cpuMs() - before) / (forMs / 1000);
}

async function watch(gate: Gate, { owned, queries }: Prometheus, forMs: number) {
  const evaluated = async () => (await gate.metrics()).sum('aegis_evaluations_total');
  const before = { evaluations: await evaluated(), queries: await queries(), cpuMs: owned.cpuMs() };
  const sinceMs = Date.now();
  await wait(forMs);
  return {
    ...{ sinceMs, seconds: forMs / 1000 },
    cpuMs: owned.cpuMs() - before.cpuMs,
    queries: (await queries()) - before.queries,
    evaluations: (await evaluated()) - before.evaluations,
  };
}

const perRound = 5;

async function askTheOldWays({ url, owned }: Prometheus, rounds: number) {
  const asker = createAsker(url, sloModel(0, interval));
  const cpuOf = (ask: () => Promise<void>) => async () => {
    const before = owned.cpuMs();
    for (let count = 0; count < perRound; count++) await ask();
    await wait(500); // garbage is collected by and by
    return (owned.cpuMs() - before) / perRound;
  };
  await asker.serially();
  const { serial, union, withoutMonth } = await inRounds(rounds, {
    serial: cpuOf(() => asker.serially()),
    union: cpuOf(() => asker.inOneUnion()),
    withoutMonth: cpuOf(() => asker.inOneUnion(['30d'])),
  });
  await asker.close();
  return { serial: figureOf(serial), union: figureOf(union), withoutMonth: figureOf(withoutMonth) };
}

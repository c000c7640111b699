import { Pool } from 'undici';
import { startGate, type Gate } from '../harness/gate.ts';
import type { Scale } from '../harness/part.ts';
import type { Prometheus } from '../harness/prometheus.ts';
import type { Result } from '../harness/result.ts';
import { inRounds } from '../harness/rounds.ts';
import { createAsker } from '../harness/serial-queries.ts';
import { sloId, sloModel, writeSlos } from '../harness/slos.ts';
import { figureOf } from '../harness/statistics.ts';
import { until } from '../harness/until.ts';
import type { Workplace } from '../harness/workplace.ts';

/** Long enough that nothing else is evaluated meanwhile. */
const interval = '1h';
const atOnce = 1_000;

/** Decisions that a caller wants made now: all windows are read, whatever is kept. */
export async function forced(workplace: Workplace, scale: Scale, prometheus: Prometheus): Promise<readonly Result[]> {
  const sloDir = await writeSlos(workplace, 1, interval);
  const gate = await startGate(workplace, { sloDir, prometheusUrl: prometheus.url });
  await until(() => gate.get('/readyz'));
  const asker = createAsker(prometheus.url, sloModel(0, interval));
  const force = () => gate.decide(sloId(0), { forceFresh: true });
  await force();
  const measured = await inRounds(scale.pick(15, 3), {
    forced: timed(force),
    serial: timed(() => asker.serially()),
    union: timed(() => asker.inOneUnion()),
  });
  await asker.close();
  const crowds: Crowd[] = [];
  for (let round = 0; round < scale.pick(5, 1); round++) crowds.push(await crowd(gate));
  const serial = { name: '12 serial queries', value: figureOf(measured.serial) };
  return [
    {
      ...{ what: 'forced decision, wall time', unit: 'ms', value: figureOf(measured.forced), reference: serial },
      target: { of: 'ratio', bound: 'at most', limit: 0.7 },
    },
    { what: 'one union of all windows, wall time', unit: 'ms', value: figureOf(measured.union), reference: serial },
    {
      ...{ what: '1,000 forced decisions at once for one SLO', unit: 'evaluations' },
      value: figureOf(crowds.map(({ evaluations }) => evaluations)),
      target: { of: 'value', bound: 'at most', limit: 2 },
    },
    { what: 'the last of them is answered', unit: 'ms', value: figureOf(crowds.map(({ lastMs }) => lastMs)) },
  ];
}

function timed(act: () => Promise<unknown>): () => Promise<number> {
  return async () => {
    const startedMs = performance.now();
    await act();
    return performance.now() - startedMs;
  };
}

interface Crowd {
  readonly evaluations: number;
  readonly lastMs: number;
}

/** Each on a connection of its own, which is open already. */
async function crowd(gate: Gate): Promise<Crowd> {
  const evaluated = async () => (await gate.metrics()).sum('aegis_evaluations_total');
  const before = await evaluated();
  const pool = new Pool(gate.url, { connections: atOnce, pipelining: 1 });
  const greet = async () => (await pool.request({ method: 'GET', path: '/healthz' })).body.dump();
  await Promise.all(Array.from({ length: atOnce }, greet)); // so that they do not come one by one
  const body = JSON.stringify({ sloID: sloId(0), forceFresh: true });
  const startedMs = performance.now();
  const ask = async () => {
    const answer = await pool.request({ method: 'POST', path: '/v1/gate/decision', body });
    await answer.body.dump();
    if (answer.statusCode !== 200) throw new Error(`a forced decision was answered with ${answer.statusCode}`);
  };
  await Promise.all(Array.from({ length: atOnce }, ask));
  const lastMs = performance.now() - startedMs;
  await pool.close();
  return { evaluations: (await evaluated()) - before, lastMs };
}

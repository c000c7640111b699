import { setTimeout as wait } from 'node:timers/promises';
import { fillAudit } from '../harness/audit-database.ts';
import { evaluationFilters, queryOf } from '../harness/audit-filters.ts';
import { startGate, type Gate } from '../harness/gate.ts';
import { startProgram, type Program } from '../harness/programs.ts';
import type { Result } from '../harness/result.ts';
import { sloId, writeSlos } from '../harness/slos.ts';
import { figureOf, quantile } from '../harness/statistics.ts';
import { startStubSource } from '../harness/stub.ts';
import { until } from '../harness/until.ts';
import type { Workplace } from '../harness/workplace.ts';
import type { Pace } from '../programs/paced.ts';

const slos = 1_000;
const perSecond = 200;
const roundMs = 8_000;

/**
 * A decision's p99 while 1,000 SLOs are evaluated each 15 s and four clients read a million rows, beside the same server
 * with nothing else to do: before, and after. At a fixed, modest rate, so that it is the time that the server takes and
 * not the queue before a machine that has no more to give.
 */
export async function busyDecisions(workplace: Workplace): Promise<readonly Result[]> {
  const prometheusUrl = await startStubSource(workplace, 5);
  const db = await fillAudit(workplace, 1_000_000, 1_000);
  const stopwatch = startProgram(workplace, 'paced');
  const idle = await startGate(workplace, { sloDir: await writeSlos(workplace, slos, '12h'), prometheusUrl });
  await until(() => idle.get('/readyz'));
  await wait(3_000);
  const before = await p99s(stopwatch, idle, 3);

  const busy = await startGate(workplace, { sloDir: await writeSlos(workplace, slos, '15s'), prometheusUrl, db });
  await until(() => busy.get('/readyz'));
  await until(() => busy.get('/v1/audit?limit=1'));
  const clients = startProgram(workplace, 'audit-clients');
  const filters = Object.values(evaluationFilters);
  const urls = Array.from({ length: 40 }, () =>
    filters.map((make) => `${busy.url}/v1/audit?${queryOf(make())}`),
  ).flat();
  await clients.ask('start', urls);
  await wait(3_000);
  const meanwhile = await p99s(stopwatch, busy, 6);
  const pages = await clients.ask<number>('stop');
  await busy.stop();

  const after = await p99s(stopwatch, idle, 3);
  return [
    {
      what: 'decision p99 with 1,000 SLOs evaluated and four clients reading a million rows of audit',
      ...{ unit: 'ms', value: figureOf(meanwhile), note: `${pages} pages read` },
      reference: { name: 'the same server idle', value: figureOf([...before, ...after]) },
      target: { of: 'ratio', bound: 'at most', limit: 1.5 },
    },
  ];
}

async function p99s(stopwatch: Program, { url }: Gate, rounds: number): Promise<number[]> {
  const sloIds = Array.from({ length: 50 }, (_, index) => sloId(index * (slos / 50)));
  const found: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const pace: Pace = { url, perSecond, sloIds, forMs: roundMs };
    found.push(quantile(await stopwatch.ask<number[]>('ask', pace), 0.99));
  }
  return found;
}

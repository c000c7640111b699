import type { PageFilter } from '../../src/storage/ports.ts';
import { fillAudit } from '../harness/audit-database.ts';
import { decisionFilters, evaluationFilters, queryOf } from '../harness/audit-filters.ts';
import { startGate, type Gate } from '../harness/gate.ts';
import type { Scale } from '../harness/part.ts';
import { startProgram, type Program } from '../harness/programs.ts';
import type { Result } from '../harness/result.ts';
import { writeSlos } from '../harness/slos.ts';
import { figureOf, median, quantile } from '../harness/statistics.ts';
import { short } from '../harness/table.ts';
import { until } from '../harness/until.ts';
import type { Workplace } from '../harness/workplace.ts';

/** What a page of the API has where nobody asks for more or less. */
const limit = 100;

/** Pages of a large audit, in the store and over HTTP, one after the other. */
export async function auditPages(workplace: Workplace, scale: Scale): Promise<readonly Result[]> {
  const rows = scale.pick(1_000_000, 20_000);
  const path = await fillAudit(workplace, rows, scale.pick(200_000, 5_000));
  const program = startProgram(workplace, 'reading');
  await program.ask('open', path);
  const size = { rounds: scale.pick(5, 1), pages: scale.pick(60, 10) };
  const inStore = await timesOf(evaluationFilters, size, (filters) => askPages(program, 'evaluations', filters));
  const decisions = await timesOf(decisionFilters, size, (filters) => askPages(program, 'decisions', filters));
  await program.ask('close');
  const gate = await startGate(workplace, { sloDir: await writeSlos(workplace, 1, '30s'), db: path });
  // The server listens before a database of this size is open.
  await until(() => gate.get('/v1/audit?limit=1'));
  const overHttp = await timesOf(evaluationFilters, size, (filters) => fetchPages(gate, filters));
  const slowest = inStore.reduce((one, other) => (other.medianMs > one.medianMs ? other : one));
  return [
    ...inStore.map((times) => resultOf(`in the store, ${times.name}`, times, 1)),
    resultOf(`the slowest of these: ${slowest.name}`, slowest, 2),
    ...overHttp.map((times) => resultOf(`over HTTP, ${times.name}`, times)),
    ...decisions.map((times) => resultOf(`served decisions in the store, ${times.name}`, times)),
  ];
}

interface Times {
  readonly name: string;
  readonly medianMs: number;
  /** Of each round, milliseconds. */
  readonly rounds: readonly (readonly number[])[];
}

async function timesOf<F extends object>(
  filters: Readonly<Record<string, () => F>>,
  size: { readonly rounds: number; readonly pages: number },
  time: (filters: readonly (F & PageFilter)[]) => Promise<number[]>,
): Promise<Times[]> {
  const measured = Object.keys(filters).map((name) => ({ name, rounds: [] as number[][] }));
  // The first round warms up what is cached.
  for (let round = -1; round < size.rounds; round++) {
    for (const { name, rounds } of measured) {
      const make = filters[name];
      if (make === undefined) continue;
      const times = await time(Array.from({ length: size.pages }, () => ({ ...make(), limit })));
      if (round >= 0) rounds.push(times);
    }
  }
  return measured.map(({ name, rounds }) => ({ name, rounds, medianMs: median(rounds.map(median)) }));
}

function askPages(program: Program, kind: string, filters: readonly PageFilter[]): Promise<number[]> {
  return program.ask<number[]>(kind, filters);
}

async function fetchPages(gate: Gate, filters: readonly PageFilter[]): Promise<number[]> {
  const times: number[] = [];
  for (const filter of filters) {
    const startedMs = performance.now();
    await gate.get(`/v1/audit?${queryOf(filter)}`);
    times.push(performance.now() - startedMs);
  }
  return times;
}

function resultOf(what: string, { rounds }: Times, limitMs?: number): Result {
  return {
    ...{ what, unit: 'ms', value: figureOf(rounds.map(median)) },
    note: `p99 ${short(quantile(rounds.flat(), 0.99))} ms`,
    ...(limitMs !== undefined && { target: { of: 'value', bound: 'at most', limit: limitMs } }),
  };
}

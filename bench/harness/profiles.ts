import { mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Load } from '../programs/load.ts';
import type { Storing } from '../programs/storing.ts';
import { evaluationToStore } from './audit-database.ts';
import { evaluationFilters, queryOf } from './audit-filters.ts';
import { flameGraph, type CpuProfile } from './flame-graph.ts';
import { startGate, type Gate, type GateOptions } from './gate.ts';
import { startProgram } from './programs.ts';
import { sloId, writeSlos } from './slos.ts';
import { startStubSource } from './stub.ts';
import { until } from './until.ts';
import type { Workplace } from './workplace.ts';

/** Draws where the time of the main thread goes on each path, one file a path. */
export async function drawProfiles(workplace: Workplace, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  const prometheusUrl = await startStubSource(workplace);
  const few = await writeSlos(workplace, 1, '30s');
  const many = await writeSlos(workplace, 400, '2s');
  const hundred = await writeSlos(workplace, 100, '60s');
  const load = startProgram(workplace, 'load');

  async function draw(name: string, title: string, options: GateOptions, work: (gate: Gate) => Promise<unknown>) {
    const profile = await profileOf(workplace, async (nodeArgs) => {
      const gate = await startGate(workplace, { ...options, prometheusUrl, nodeArgs });
      await work(gate);
      await gate.stop();
    });
    await writeFile(join(directory, `${name}.svg`), flameGraph(profile, title));
  }

  await draw('decision', 'Decisions', { sloDir: few, args: ['--request-log', '/v1/gate/decision=off'] }, ({ url }) => {
    const body = JSON.stringify({ sloID: sloId(0) });
    const job: Load = { url: `${url}/v1/gate/decision`, connections: 32, amount: 60_000, body, isAwake: true };
    return load.ask('load', job);
  });
  await draw('evaluation', 'Evaluations', { sloDir: many }, () => wait(10_000));
  await draw('audit', 'Pages of the audit', { sloDir: hundred }, async (gate) => {
    await until(() => gate.get('/readyz'));
    const filters = Object.values(evaluationFilters);
    for (let page = 0; page < 3_000; page++) {
      await gate.get(`/v1/audit?${queryOf(filters[page % filters.length]?.() ?? {})}`);
    }
  });
  await draw('startup', 'Start with 100 SLOs', { sloDir: hundred }, (gate) => gate.decide(sloId(0)));

  const stored = await profileOf(workplace, async (nodeArgs) => {
    const program = startProgram(workplace, 'storing', nodeArgs);
    const path = join(workplace.directory, 'stored.db');
    await program.ask('batched', { path, amount: 40_000, evaluation: evaluationToStore() } satisfies Storing);
    await program.owned.stop();
  });
  await writeFile(join(directory, 'storing.svg'), flameGraph(stored, 'Storing evaluations'));
}

/** The profile that the main thread of a process leaves when it ends. */
async function profileOf(
  workplace: Workplace,
  run: (nodeArgs: readonly string[]) => Promise<void>,
): Promise<CpuProfile> {
  const into = await mkdtemp(join(workplace.directory, 'profile-'));
  await run(['--cpu-prof', `--cpu-prof-dir=${into}`]);
  const names = await readdir(into);
  // CPU.20261122.010203.PID.THREAD.SEQUENCE.cpuprofile; the main thread is 0.
  const main = names.find((name) => name.split('.')[4] === '0');
  if (main === undefined) throw new Error(`no profile was left in ${into}: ${names.join(', ')}`);
  return JSON.parse(await readFile(join(into, main), 'utf8')) as CpuProfile;
}

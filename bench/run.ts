import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { withTables } from './harness/document.ts';
import { describeMachine, type Machine } from './harness/machine.ts';
import type { Part, Scale } from './harness/part.ts';
import { drawProfiles } from './harness/profiles.ts';
import { compilePrograms, root } from './harness/programs.ts';
import type { PartResults } from './harness/result.ts';
import { textTable } from './harness/table.ts';
import { clearUpOnSignals, within } from './harness/workplace.ts';
import { audit } from './parts/audit.ts';
import { decisions } from './parts/decisions.ts';
import { evaluations } from './parts/evaluations.ts';
import { growth } from './parts/growth.ts';
import { startup } from './parts/startup.ts';

/** In the order in which they run. */
const parts: Readonly<Record<string, Part>> = { decisions, evaluations, audit, startup, growth };

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    out: { type: 'string' },
    'write-docs': { type: 'boolean', default: false },
  },
});
const scale: Scale = { isQuick: flags.quick, pick: (whole, quick) => (flags.quick ? quick : whole) };

async function run(): Promise<void> {
  if (process.platform !== 'linux') throw new Error('the benchmarks read CPU time from /proc, which only Linux has');
  const machine = describeMachine();
  console.log(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, commit ${machine.commit}`);
  await compilePrograms();
  const measured: PartResults[] = [];
  for (const [part, measure] of asked()) {
    const startedMs = performance.now();
    const results = await within((workplace) => measure(workplace, scale));
    measured.push({ part, results });
    console.log(
      `\n${part} (${Math.round((performance.now() - startedMs) / 1000)} s)\n${textTable(results, !flags.quick)}`,
    );
  }
  const out = resolve(flags.out ?? join(root, 'bench', 'results', `${machine.date.replaceAll(':', '-')}.json`));
  await mkdir(dirname(out), { recursive: true });
  await writeFile(out, `${JSON.stringify({ machine, isQuick: flags.quick, parts: measured }, null, 2)}\n`);
  console.log(`\nwritten to ${out}`);
  if (flags['write-docs']) await writeDocs(machine, measured);
}

/** The tables of what was measured, and the flame graphs of every path. */
async function writeDocs(machine: Machine, measured: readonly PartResults[]): Promise<void> {
  if (flags.quick) throw new Error('quick figures belong in no document');
  const document = join(root, 'docs', 'performance.md');
  await writeFile(document, await withTables(await readFile(document, 'utf8'), machine, measured));
  await within((workplace) => drawProfiles(workplace, join(root, 'docs', 'performance')));
  console.log(`written into ${document}, with its flame graphs`);
}

function asked(): [string, Part][] {
  const unknown = positionals.filter((name) => parts[name] === undefined);
  if (unknown.length > 0) {
    throw new Error(`there is no part ${unknown.join(', ')}; there are ${Object.keys(parts).join(', ')}`);
  }
  // In short without the growth, whose starts alone take their time.
  const isMeant = (name: string) =>
    positionals.length === 0 ? !flags.quick || name !== 'growth' : positionals.includes(name);
  return Object.entries(parts).filter(([name]) => isMeant(name));
}

clearUpOnSignals();
try {
  await run();
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}

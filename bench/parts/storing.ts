import { join } from 'node:path';
import { evaluationToStore } from '../harness/audit-database.ts';
import type { Scale } from '../harness/part.ts';
import { startProgram } from '../harness/programs.ts';
import type { Result } from '../harness/result.ts';
import { inRounds } from '../harness/rounds.ts';
import { figureOf } from '../harness/statistics.ts';
import type { Workplace } from '../harness/workplace.ts';
import type { Storing } from '../programs/storing.ts';

/** Evaluations with their evidence, through the port, beside plain inserts of the same row. */
export async function storing(workplace: Workplace, scale: Scale): Promise<readonly Result[]> {
  const program = startProgram(workplace, 'storing');
  const evaluation = evaluationToStore();
  let databases = 0;
  const store = (job: string, amount: number) => () => {
    databases += 1;
    const path = join(workplace.directory, `storing-${databases}.db`);
    return program.ask<number>(job, { path, amount, evaluation } satisfies Storing);
  };
  const [many, few] = [scale.pick(40_000, 4_000), scale.pick(10_000, 1_000)];
  await store('batched', many)();
  const measured = await inRounds(scale.pick(5, 2), {
    batched: store('batched', many),
    plainBatched: store('plainBatched', many),
    singly: store('singly', few),
    plainSingly: store('plainSingly', few),
  });
  const unit = 'a second';
  return [
    {
      ...{ what: 'evaluations stored, batched', unit, value: figureOf(measured.batched) },
      reference: { name: 'plain inserts, 100 a transaction', value: figureOf(measured.plainBatched) },
      target: { of: 'value', bound: 'at least', limit: 20_000 },
    },
    {
      ...{ what: 'evaluations stored, each awaited', unit, value: figureOf(measured.singly) },
      reference: { name: 'plain inserts, one a transaction', value: figureOf(measured.plainSingly) },
      target: { of: 'value', bound: 'at least', limit: 5_000 },
    },
  ];
}

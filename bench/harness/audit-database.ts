import { join } from 'node:path';
import { anEvaluation } from '../../test/support/evaluation.ts';
import { anSlo } from '../../test/support/slo.ts';
import type { Filling } from '../programs/filling.ts';
import { startProgram } from './programs.ts';
import type { Workplace } from './workplace.ts';

/** An evaluation of the README's SLO, healthy, with its evidence. */
export function evaluationToStore() {
  return anEvaluation({ slo: anSlo() });
}

/** A month of audit, and where it lies. */
export async function fillAudit(workplace: Workplace, evaluations: number, decisions: number): Promise<string> {
  const path = join(workplace.directory, 'audit.db');
  const program = startProgram(workplace, 'filling');
  const filling: Filling = { path, evaluations, decisions, evaluation: evaluationToStore() };
  await program.ask('fill', filling);
  await program.owned.stop();
  return path;
}

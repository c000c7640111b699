import { startProgram } from './programs.ts';
import type { Workplace } from './workplace.ts';

/** The URL of a metrics source that answers any union with healthy numbers. */
export async function startStubSource(workplace: Workplace, delayMs = 0): Promise<string> {
  const port = await startProgram(workplace, 'stub-source').ask<number>('listen', delayMs);
  return `http://127.0.0.1:${port}`;
}

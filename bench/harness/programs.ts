import { build } from 'esbuild';
import { readdir, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startProcess, type Owned } from './process.ts';
import type { Workplace } from './workplace.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const sources = join(root, 'bench', 'programs');
// In the project, so that packages are found from there; as deep as `dist`, so that our own files are, too.
const compiled = join(root, '.bench');

/** Programs run as plain JavaScript: what translates TypeScript on the way would be part of what is measured. */
export async function compilePrograms(): Promise<void> {
  await rm(compiled, { recursive: true, force: true });
  const names = (await readdir(sources)).filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'));
  await build({
    entryPoints: names.map((name) => join(sources, name)),
    outdir: compiled,
    bundle: true,
    ...{ packages: 'external', format: 'esm', platform: 'node', target: 'node20.19', logLevel: 'warning' },
  });
}

export function programPath(name: string): string {
  return join(compiled, `${name}.js`);
}

/** A program of bench/programs that does jobs (programs/jobs.ts). */
export interface Program {
  readonly owned: Owned;
  ask<T>(job: string, argument?: unknown): Promise<T>;
}

interface Answer {
  readonly value?: unknown;
  readonly error?: string;
}

export function startProgram(workplace: Workplace, name: string, nodeArgs: readonly string[] = []): Program {
  const owned = startProcess(workplace, {
    command: process.execPath,
    args: [...nodeArgs, programPath(name)],
    cwd: workplace.directory,
  });
  const { stdin, stdout } = owned.child;
  if (stdin === null || stdout === null) throw new Error(`${name} has no pipes`);
  stdin.on('error', () => undefined); // what is asked of a program that has ended is rejected by its end
  const answers = createInterface({ input: stdout })[Symbol.asyncIterator]();
  // One job at a time; the next waits for its turn.
  let last: Promise<unknown> = Promise.resolve();
  async function ask(job: string, argument: unknown): Promise<unknown> {
    stdin?.write(`${JSON.stringify({ job, argument })}\n`);
    const line = await answers.next();
    if (line.done === true) throw new Error(`${name} ended before it answered ${job}`);
    const { value, error } = JSON.parse(line.value) as Answer;
    if (error !== undefined) throw new Error(`${name}, ${job}: ${error}`);
    return value;
  }
  return {
    owned,
    ask<T>(job: string, argument?: unknown) {
      const answer = last.catch(() => undefined).then(() => ask(job, argument));
      last = answer;
      return answer as Promise<T>;
    },
  };
}

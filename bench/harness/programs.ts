import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { startProcess, type Owned } from './process.ts';
import type { Workplace } from './workplace.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const sources = join(root, 'bench', 'programs');
// Inside the project, so that packages are found from there.
const compiled = join(root, 'bench', 'dist');

/** Programs run as plain JavaScript: what translates TypeScript on the way would be part of what is measured. */
export async function compilePrograms(): Promise<void> {
  await rm(compiled, { recursive: true, force: true });
  await mkdir(compiled, { recursive: true });
  for (const name of await readdir(sources)) {
    if (!name.endsWith('.ts') || name.endsWith('.d.ts')) continue;
    const { outputText } = ts.transpileModule(await readFile(join(sources, name), 'utf8'), {
      compilerOptions: {
        module: ts.ModuleKind.ESNext,
        target: ts.ScriptTarget.ES2023,
        rewriteRelativeImportExtensions: true,
        verbatimModuleSyntax: true,
      },
    });
    await writeFile(join(compiled, name.replace(/\.ts$/, '.js')), outputText);
  }
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

export function startProgram(workplace: Workplace, name: string): Program {
  const owned = startProcess(workplace, {
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', programPath(name)],
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

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isExecuted, type Section } from '../../support/runbook-page.ts';
import { bash } from '../../support/shell.ts';
import { expectPrinted } from './printed.ts';
import { expect } from 'vitest';

/** A block as the shell is given it: what it prints goes into files of its own. */
function command(directory: string, index: number, { language, text }: { language: string; text: string }): string {
  const shell = language === 'sql' ? `sqlite3 "$AEGIS_DB" <<'SQL'\n${text}SQL\n` : text;
  return `exec >'${join(directory, `${index}.out`)}' 2>'${join(directory, `${index}.err`)}'\n${shell}`;
}

/**
 * Pastes the blocks of a section, one after the other, into one shell that ends at the first failure, and compares what
 * each printed. Gives all that was printed.
 */
export async function paste(section: Section, directory: string, env: NodeJS.ProcessEnv): Promise<string> {
  const blocks = section.blocks.filter(isExecuted);
  const path = join(directory, 'pasted.sh');
  await writeFile(path, blocks.map((block, index) => command(directory, index, block)).join('\n'));
  const { code } = await bash(`exec bash -euo pipefail '${path}'`, { cwd: directory, env, timeout: 90_000 });
  const printed = (index: number, stream: string) =>
    readFile(join(directory, `${index}.${stream}`), 'utf8').catch(() => '');
  const output: string[] = [];
  for (const [index, block] of blocks.entries()) {
    const [out, err] = await Promise.all([printed(index, 'out'), printed(index, 'err')]);
    output.push(out, err);
    if (block.expected !== undefined && (code === 0 || out !== '')) expectPrinted(block.expected, out);
  }
  expect(code, `${section.heading}: exit code ${code}\n${output.join('')}`).toBe(0);
  return output.join('');
}

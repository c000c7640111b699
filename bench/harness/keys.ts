import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './programs.ts';
import type { Workplace } from './workplace.ts';

/** A file with one key, as an operator makes it. */
export function writeKeys(workplace: Workplace): { readonly file: string; readonly token: string } {
  const file = join(workplace.directory, 'keys.yaml');
  const create = ['keys', 'create', '--file', file, '--id', 'bench', '--scope', 'decide'];
  const printed = execFileSync(process.execPath, [join(root, 'dist', 'cli.js'), ...create], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return { file, token: printed.trim() };
}

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lacks } from '../support/services.ts';
import { aegis } from './aegis.ts';

/** What is typed, word by word, the last one under the cursor; and what is offered; with `more`, some of it. */
const cases: readonly { typed: readonly string[]; offered: readonly string[]; more?: true; not?: string }[] = [
  { typed: [''], offered: ['validate', 'gate', 'status', 'audit', 'keys', 'help', 'completion'], more: true },
  { typed: ['stat'], offered: ['status'] },
  { typed: ['keys', ''], offered: ['create', 'list', 'revoke'] },
  { typed: ['help', 'k'], offered: ['keys'] },
  { typed: ['completion', ''], offered: ['bash', 'zsh', 'fish'] },
  { typed: ['gate', '--f'], offered: ['--fresh', '--fail-on', '--format'] },
  { typed: ['gate', '--format', ''], offered: ['text', 'json'] },
  { typed: ['gate', '--slo', 'a', '--fail-on', 'un'], offered: ['unproven'] },
  { typed: ['audit', '--decision', 'b'], offered: ['block'] },
  { typed: ['audit', '--follow', '--or'], offered: ['--orders'] },
  // Fish knows of one value behind a flag.
  { typed: ['keys', 'create', '--scope', 'read', 'dec'], offered: ['decide'], not: 'fish' },
  { typed: ['keys', 'create', '--ex'], offered: ['--expires'] },
  { typed: ['gate', '--slo', 'a'], offered: [] },
];

const scripts: Record<string, string> = {};
const directory = mkdtempSync(join(tmpdir(), 'aegis-completion-'));
afterAll(() => rmSync(directory, { recursive: true }));
beforeAll(async () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, out } = await aegis(['completion', shell]);
    expect(code).toBe(0);
    scripts[shell] = join(directory, shell);
    writeFileSync(scripts[shell], out);
  }
});

const quoted = (words: readonly string[]) => words.map((word) => `'${word}'`).join(' ');

const ask: Readonly<Record<string, (script: string, typed: readonly string[]) => string>> = {
  bash: (script, typed) =>
    run(
      'bash',
      '--norc',
      '-c',
      `source ${script}; complete -p aegis >/dev/null || exit 1
      COMP_WORDS=(aegis ${quoted(typed)}) COMP_CWORD=${typed.length}; _aegis; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ),
  // What adds completions works within the line editor only: here it prints those that fit.
  zsh: (script, typed) =>
    run(
      'zsh',
      '-f',
      '-c',
      `compdef() { true }; _files() { true }
      compadd() { shift; local one; for one in "$@"; do [[ $one == "\${words[CURRENT]}"* ]] && print -r -- $one; done; true }
      source ${script}; words=(aegis ${quoted(typed)}) CURRENT=${typed.length + 1}; _aegis`,
    ),
  fish: (script, typed) =>
    run('fish', '--no-config', '-c', `source ${script}; complete -C ${quoted([['aegis', ...typed].join(' ')])}`),
};

function run(shell: string, ...words: string[]): string {
  const { status, stdout, stderr } = spawnSync(shell, words, {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: directory },
    cwd: directory,
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

describe.each(['bash', 'zsh', 'fish'])('aegis completion %s', (shell) => {
  test.skipIf(lacks(shell)).each(cases.filter(({ not }) => not !== shell))('$typed', ({ typed, offered, more }) => {
    const lines = (ask[shell]?.(scripts[shell] ?? '', typed) ?? '').split('\n').filter((line) => line !== '');
    const words = lines.map((line) => line.replace(/\t.*/, '')).sort();
    if (more === true) expect(words).toEqual(expect.arrayContaining([...offered]));
    else expect(words).toEqual([...offered].sort());
  });
});

test.each([
  [['completion'], 'aegis completion: missing required argument'],
  [['completion', 'csh'], 'Allowed choices are bash, zsh, fish.'],
])('%j is a mistake', async (words, message) => {
  const ran = await aegis(words);
  expect(ran).toMatchObject({ code: 2, out: '' });
  expect(ran.err).toContain(message);
});

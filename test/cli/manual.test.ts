import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { usageMessage } from '../../src/config/usage.ts';
import { manualOf } from '../../src/cli/manual.ts';
import { commandsBelow } from '../../src/cli/run.ts';
import { scratch } from '../support/scratch.ts';
import { aegis } from './aegis.ts';
import { commandTree, pathOf } from './command-tree.ts';

const root = commandTree();
const tree = [root, ...commandsBelow(root)];
const examples = tree.flatMap((command) =>
  (manualOf(command)?.examples ?? []).map((example) => [pathOf(command), example] as const),
);

/** How a shell calls `aegis` in a line: everything else in it is a command that says `something`. */
function callsIn(line: string): readonly string[][] {
  const directory = scratch();
  const calls = join(directory, 'calls');
  writeFileSync(join(directory, 'aegis'), '#!/bin/sh\nprintf \'%s\\0\' "$@" >> "$CALLS"\nprintf \'\\n\' >> "$CALLS"\n');
  chmodSync(join(directory, 'aegis'), 0o755);
  const nothing = 'command_not_found_handle() { echo something; }; set -e;';
  execFileSync('/bin/bash', ['--norc', '-c', `${nothing} ${line}`], {
    cwd: directory,
    env: { PATH: directory, HOME: directory, CALLS: calls },
  });
  if (!existsSync(calls)) return [];
  const written = readFileSync(calls, 'utf8').split('\n').slice(0, -1);
  return written.map((call) => call.split('\0').slice(0, -1));
}

/** What the program has against a command line; undefined where it takes it. */
async function complaintOf(words: readonly string[]): Promise<string | undefined> {
  try {
    await commandTree().parseAsync(words, { from: 'user' });
    return undefined;
  } catch (error) {
    return error instanceof CommanderError ? usageMessage(error) : String(error);
  }
}

describe('every command', () => {
  it.each(tree.map((command) => [pathOf(command), command] as const))(
    '%s has a summary, a description, exit codes and an example of its own',
    (path, command) => {
      const manual = manualOf(command);
      expect(command.description()).toMatch(/^[A-Z].*\.$/s);
      if (command.parent !== null) expect(command.summary()).toMatch(/^[a-z].*[^.]$/);
      expect(manual?.exits[0]).toBeTruthy();
      expect(manual?.examples.some((example) => example.includes(path))).toBe(true);
    },
  );

  it.each(examples)('%s: its example is a command line that it takes: %s', async (_, line) => {
    const calls = callsIn(line);
    expect(calls.length).toBeGreaterThan(0);
    for (const words of calls) expect(await complaintOf(words)).toBeUndefined();
  });

  it('says so in its help, which aegis help COMMAND gives too', async () => {
    const byFlag = await aegis(['keys', 'create', '--help']);
    expect(byFlag).toMatchObject({ code: 0, err: '' });
    expect(byFlag.out).toMatch(/Exit codes:\n {2}0 {2}done\n {2}2 {2}usage[^]*Examples:\n {2}aegis keys create/);
    expect(await aegis(['help', 'keys', 'create'])).toEqual(byFlag);
  });
});

describe('a word that is no command', () => {
  it.each<[string[], string]>([
    [['gtae'], 'aegis: "gtae": no such command: did you mean gate?'],
    [['validat', '--dir', 'slos'], 'aegis: "validat": no such command: did you mean validate?'],
    [['keys', 'creat'], 'aegis keys: "creat": no such word: create, list or revoke (did you mean create?)'],
    [['help', 'keys', 'revok'], 'aegis: "revok": no such command: did you mean revoke?'],
    [['help', 'nonsense'], 'aegis: "nonsense": no such command'],
  ])('%j', async (words, message) => {
    expect(await aegis(words)).toEqual({ code: 2, out: '', err: `${message}\n` });
  });
});

import { describe, expect, test } from 'vitest';
import { wantsColours } from '../../src/cli/terminal.ts';
import { aegis } from './aegis.ts';

describe('aegis', () => {
  test('help and version go to standard output, with exit code 0', async () => {
    expect(await aegis(['--version'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as unknown,
    });
    const help = await aegis(['--help']);
    expect(help).toMatchObject({ code: 0, err: '' });
    for (const text of ['validate', 'gate', 'explain', 'replay', 'Examples:', 'Exit codes:'])
      expect(help.out).toContain(text);
  });

  test.each(['validate', 'gate', 'explain', 'replay'])('help for %s has examples and exit codes', async (name) => {
    for (const words of [
      [name, '--help'],
      ['help', name],
    ]) {
      const help = await aegis(words);
      expect(help).toMatchObject({ code: 0, err: '' });
      for (const text of [`aegis ${name}`, 'Examples:', 'Exit codes:']) expect(help.out).toContain(text);
    }
  });

  test.each<[string[], string]>([
    [[], 'aegis: a command is missing'],
    [['gat'], 'aegis: "gat": no such command: did you mean gate?'],
    [['--port', '1'], 'aegis: --port: no such flag'],
    [['gate', '--slo', 'a', '--', 'b'], 'aegis gate: '],
  ])('%j is a mistake of one line', async (words, message) => {
    const ran = await aegis(words);
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).toContain(message);
    expect(ran.err.trimEnd()).not.toContain('\n');
  });
});

describe('colours', () => {
  test.each<[boolean, Record<string, string>, boolean]>([
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: '1' }, false],
    [true, { NO_COLOR: '' }, true],
    [true, { TERM: 'dumb' }, false],
    [false, { FORCE_COLOR: '1' }, true],
    [false, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
    [true, { FORCE_COLOR: '0' }, false],
    [false, { FORCE_COLOR: '' }, false],
  ])('on a terminal: %s, with %j: %s', (isTerminal, env, expected) => {
    expect(wantsColours(isTerminal, env)).toBe(expected);
  });
});

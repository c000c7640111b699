import { readFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { expect, it } from 'vitest';
import { exitsOf, manualOf } from '../../src/cli/manual.ts';
import { commandsBelow } from '../../src/cli/run.ts';
import { commandTree, pathOf } from './command-tree.ts';

const page = new URL('../../docs/cli.md', import.meta.url);

it('the exit codes stand in docs/cli.md (npm run docs:cli writes them anew)', async () => {
  // What is made of others says nothing of its own.
  const commands = commandsBelow(commandTree()).filter((command) => command.commands.length === 0);
  const rows = commands.map((command) => {
    const manual = manualOf(command);
    const exits = new Map(manual === undefined ? [] : exitsOf(manual));
    const cells = ['0', '1', '2', '3'].map((code) => exits.get(code) ?? '-');
    return `| \`${pathOf(command)}\` | ${command.summary()} | ${cells.join(' | ')} |`;
  });
  expect(rows.length).toBeGreaterThan(5);
  const head = '| command | what for | exit 0 | exit 1 | exit 2 | exit 3 |\n| --- | --- | --- | --- | --- | --- |';
  const text = readFileSync(page, 'utf8').replace(
    /(<!-- exit codes: begin -->)[^]*(<!-- exit codes: end -->)/,
    `$1\n\n${head}\n${rows.join('\n')}\n\n$2`,
  );
  const style = await resolveConfig('docs/cli.md');
  await expect(await format(text, { ...style, parser: 'markdown' })).toMatchFileSnapshot('../../docs/cli.md');
});

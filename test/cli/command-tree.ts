import type { Command } from 'commander';
import { commandsBelow, createProgram } from '../../src/cli/run.ts';
import type { Terminal } from '../../src/cli/terminal.ts';

/** Where nobody reads, and nobody is asked. */
export const nowhere: Terminal = {
  out: () => Promise.resolve(),
  err: () => Promise.resolve(),
  isTerminal: false,
  colours: false,
  env: {},
  size: () => undefined,
  onResize: () => undefined,
  untilInterrupted: () => new AbortController().signal,
};

/** The program with its commands; they are parsed, and not run. */
export function commandTree(): Command {
  const root = createProgram(
    nowhere,
    () => undefined,
    () => undefined,
  );
  for (const command of commandsBelow(root)) if (command.commands.length === 0) command.action(() => undefined);
  return root;
}

/** `aegis keys create` */
export function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

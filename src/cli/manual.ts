import type { Command } from 'commander';
import { AegisError } from '../errors.ts';
import { quoted } from '../config/usage.ts';
import { nearest } from '../slo/nearest.ts';

/** What `--help` says of a command beside its flags; the table of docs/cli.md and the tests are made of it too. */
export interface Manual {
  /** What each exit code means here. 2 is a mistake in the command line, where nothing else is said of it. */
  readonly exits: { readonly 0: string; readonly 1?: string; readonly 2?: string; readonly 3?: string };
  /** Lines for a shell. A test gives each to the program, which has to take it. */
  readonly examples: readonly [string, ...string[]];
}

const manuals = new WeakMap<Command, Manual>();

/** Gives a command its exit codes and examples. Every command has them. */
export function withManual(command: Command, manual: Manual): Command {
  manuals.set(command, manual);
  return command.addHelpText('after', helpOf(manual));
}

export function manualOf(command: Command): Manual | undefined {
  return manuals.get(command);
}

/** The codes of a command with their meaning, in order. */
export function exitsOf({ exits }: Manual): readonly (readonly [code: string, meaning: string])[] {
  return Object.entries({ 2: 'usage', ...exits });
}

function helpOf(manual: Manual): string {
  const exits = exitsOf(manual).map(([code, meaning]) => `  ${code}  ${meaning}`);
  const examples = manual.examples.map((example) => `  ${example}`);
  return ['', 'Exit codes:', ...exits, '', 'Examples:', ...examples].join('\n');
}

/** Makes a command out of others, as `aegis keys` is of `create`, `list` and `revoke`. */
export function withInner(command: Command, inner: readonly Command[], manual: Manual): Command {
  const names = inner.map((one) => one.name());
  const choice = names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} or ${names.at(-1) ?? ''}`;
  for (const one of inner) command.addCommand(one);
  command
    .usage(names.join(' | '))
    .argument('[what]')
    .action((what: string | undefined) => {
      if (what === undefined) throw new AegisError('invalid_setting', `a word is missing: ${choice}`);
      const near = nearest(what, names);
      const hint = near === undefined ? '' : ` (did you mean ${near}?)`;
      throw new AegisError('invalid_setting', `${quoted(what)}: no such word: ${choice}${hint}`);
    });
  return withManual(command, manual);
}

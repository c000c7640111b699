import type { Command } from 'commander';
import { Option } from 'commander';
import type { Parser } from '../config/parsers.ts';
import { notAllowed, quoted } from '../config/usage.ts';
import { AegisError } from '../errors.ts';
import type { Terminal } from './terminal.ts';

/** Exit codes of all commands; 1 and 3 mean what the command says they mean. */
export const exitCodes = { ok: 0, negative: 1, usage: 2, unknown: 3 } as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** One command of `aegis`. Its run decides the exit code; mistakes in the command line are thrown as `invalid_setting`. */
export type DefineCommand = (terminal: Terminal, onExit: (code: ExitCode) => void) => Command;

const closedSets = new WeakMap<Option, readonly string[]>();

/** The values of a flag, where it has a few only. */
export function wordsOf(option: Option): readonly string[] | undefined {
  return closedSets.get(option);
}

/** A flag with a value, read by a parser as the settings of the server are. */
export function flag<T>(name: string, placeholder: string, about: string, parser: Parser<T>, take: (value: T) => void) {
  const option = new Option(`${name} <${placeholder}>`, about).argParser((text) => {
    // A flag in the place of a value is a value forgotten: `--slo --fresh`.
    if (text.startsWith('--'))
      throw new AegisError('invalid_setting', `${name}: the value is missing: ${parser.allowed}`);
    const value = parser.parse(text);
    if (value === undefined) throw notAllowed(name, quoted(text), parser.allowed);
    take(value);
    return text;
  });
  if (parser.words !== undefined) closedSets.set(option, parser.words);
  return option;
}

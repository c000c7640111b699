import type { Option } from 'commander';
import type { Parser } from '../config/parsers.ts';
import { notAllowed, quoted } from '../config/usage.ts';
import { AegisError } from '../errors.ts';
import { flag } from './command.ts';
import type { Prompt } from './prompt.ts';

/** One thing that a file needs to be told: by a flag, else by an answer on a terminal. */
export interface Field<T> {
  readonly name: string;
  readonly option: Option;
  readonly about: string;
  readonly parser: Parser<T>;
  readonly given: () => T | undefined;
}

export function field<T>(name: string, placeholder: string, about: string, parser: Parser<T>): Field<T> {
  let given: T | undefined;
  const option = flag(name, placeholder, about, parser, (value) => (given = value));
  return { name, option, about, parser, given: () => given };
}

/** The flag, else the answer, else the default; a flag that is missing where nobody can be asked is a usage error. */
export async function answerTo<T>(
  { name, about, parser, given }: Field<T>,
  prompt: Prompt | undefined,
  fallback?: string,
): Promise<T> {
  const flagged = given();
  if (flagged !== undefined) return flagged;
  if (prompt === undefined) {
    if (fallback === undefined) throw new AegisError('invalid_setting', `${name}: missing: ${parser.allowed}`);
    const value = parser.parse(fallback);
    if (value === undefined) throw notAllowed(name, quoted(fallback), parser.allowed);
    return value;
  }
  const hint = fallback === undefined ? '' : ` [${fallback}]`;
  for (;;) {
    const typed = await prompt.ask(`${about}${hint}: `);
    const value = parser.parse(typed === '' ? (fallback ?? '') : typed);
    if (value !== undefined) return value;
    prompt.say(`  not allowed: ${parser.allowed}\n`);
  }
}

import type { CommanderError } from 'commander';
import { AegisError } from '../errors.ts';

/** A value as it may stand in a message of one line: quoted, control characters escaped, cut where it is long. */
export function quoted(text: string): string {
  const cut = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  return JSON.stringify(cut);
}

export function notAllowed(name: string, shown: string, allowed: string): AegisError {
  return new AegisError('invalid_setting', `${name}: ${shown} is not allowed: ${allowed}`);
}

/** The flag that commander complains of. What stands behind a `=` is left out: it may be a password. */
export function flagIn(error: CommanderError): string {
  return /'([^'=\s]*)/.exec(error.message)?.[1] ?? '';
}

/** What commander says of a command line that it cannot take, as one line in our form; undefined for help and version. */
export function usageMessage(error: CommanderError): string | undefined {
  const name = flagIn(error);
  const hint = /Did you mean (?:one of )?([^?]*)\?/.exec(error.message)?.[1];
  const didYouMean = hint === undefined ? '' : `: did you mean ${hint}?`;
  switch (error.code) {
    case 'commander.helpDisplayed':
    case 'commander.help':
    case 'commander.version':
      return undefined;
    case 'commander.unknownOption':
      return `${name}: no such flag${didYouMean}`;
    case 'commander.unknownCommand':
      return `${quoted(name)}: no such command${didYouMean}`;
    case 'commander.optionMissingArgument':
      return `${name}: the value is missing`;
    default:
      return error.message.replace(/^error: /, '').replaceAll('\n', ' ');
  }
}

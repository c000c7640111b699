import { Command, CommanderError } from 'commander';
import { quoted, usageMessage } from '../config/usage.ts';
import { AegisError, messageOf } from '../errors.ts';
import { nearest } from '../slo/nearest.ts';
import { version } from '../version.ts';
import { audit } from './audit.ts';
import type { DefineCommand, ExitCode } from './command.ts';
import { exitCodes } from './command.ts';
import { db } from './db.ts';
import { completion } from './completion.ts';
import { explain } from './explain.ts';
import { gate } from './gate.ts';
import { keys } from './keys.ts';
import { withManual, type Manual } from './manual.ts';
import { status } from './status.ts';
import { replay } from './replay.ts';
import { slo } from './slo.ts';
import type { Terminal } from './terminal.ts';
import { validate } from './validate.ts';

const commands: readonly DefineCommand[] = [validate, gate, status, audit, explain, replay, keys, db, slo, completion];

/** The program with its tree of commands; what it prints of itself (help, version) goes to `print`. */
export function createProgram(
  terminal: Terminal,
  onExit: (code: ExitCode) => void,
  print: (text: string) => void,
): Command {
  const program = new Command('aegis')
    .description('SLOs as a release gate: check their files, ask for decisions, look after a server.')
    .usage('COMMAND [flags]')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command...]', 'print the help of a command')
    .configureOutput({ writeOut: print, writeErr: () => undefined, outputError: () => undefined })
    .exitOverride();
  for (const define of commands) program.addCommand(define(terminal, onExit));
  for (const command of commandsBelow(program)) {
    command.copyInheritedSettings(program).helpCommand(false).helpOption('-h, --help', 'print this help');
  }
  return withManual(program, manual);
}

/** All commands of a tree, without its root. */
export function commandsBelow(root: Command): readonly Command[] {
  return root.commands.flatMap((command) => [command, ...commandsBelow(command)]);
}

/** Runs the words after `aegis` and says with which code to exit. Never rejects. */
export async function run(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let exitCode: ExitCode | undefined;
  let printed = '';
  // For the beginning of a complaint: the command that it is about.
  let name = 'aegis';
  const program = createProgram(
    terminal,
    (code) => (exitCode = code),
    (text) => (printed += text),
  ).hook('preSubcommand', (_program, command) => {
    name = `aegis ${command.name()}`;
  });
  try {
    if (argv.length === 0) throw new AegisError('invalid_setting', 'a command is missing: see aegis --help');
    const [first, ...words] = argv;
    if (first === 'help') {
      commandOf(
        program,
        words.filter((word) => !word.startsWith('-')),
      ).outputHelp();
      await terminal.out(printed);
      return exitCodes.ok;
    }
    await program.parseAsync(argv, { from: 'user' });
    // A command that ended without a verdict has not said that all is well.
    return exitCode ?? exitCodes.unknown;
  } catch (error) {
    if (error instanceof CommanderError) {
      const message = usageMessage(error);
      if (message !== undefined) return complain(`${name}: ${message}`, exitCodes.usage);
      await terminal.out(printed);
      return exitCodes.ok;
    }
    if (error instanceof AegisError && error.code === 'invalid_setting')
      return complain(`${name}: ${error.message}`, exitCodes.usage);
    return complain(`${name}: ${messageOf(error)}`, exitCodes.unknown);
  }

  async function complain(line: string, code: ExitCode): Promise<ExitCode> {
    await terminal.err(`${line}\n`);
    return code;
  }
}

/** The command that words name: `keys create`. */
function commandOf(program: Command, words: readonly string[]): Command {
  return words.reduce((command, word) => {
    const found = command.commands.find((one) => one.name() === word);
    if (found !== undefined) return found;
    const near = nearest(
      word,
      command.commands.map((one) => one.name()),
    );
    const hint = near === undefined ? '' : `: did you mean ${near}?`;
    throw new AegisError('invalid_setting', `${quoted(word)}: no such command${hint}`);
  }, program);
}

const manual: Manual = {
  exits: {
    0: 'done, valid, or go on',
    1: 'invalid, different, or blocked',
    2: 'a mistake in the command line',
    3: 'no answer could be had',
  },
  examples: [
    'aegis validate --dir slos',
    'aegis gate --slo api-availability --server http://aegis:8080',
    'aegis status',
    'aegis explain --slo api-availability',
    'aegis help keys create',
  ],
};

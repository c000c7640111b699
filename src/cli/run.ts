import { Command, CommanderError } from 'commander';
import { usageMessage } from '../config/usage.ts';
import { AegisError, messageOf } from '../errors.ts';
import { version } from '../version.ts';
import type { DefineCommand, ExitCode } from './command.ts';
import { exitCodes } from './command.ts';
import { explain } from './explain.ts';
import { gate } from './gate.ts';
import { keys } from './keys.ts';
import { replay } from './replay.ts';
import type { Terminal } from './terminal.ts';
import { validate } from './validate.ts';

const commands: readonly DefineCommand[] = [validate, gate, explain, replay, keys];

/** Runs the words after `aegis` and says with which code to exit. Never rejects. */
export async function run(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let exitCode: ExitCode | undefined;
  let printed = '';
  // For the beginning of a complaint: the command that it is about.
  let name = 'aegis';
  const program = new Command('aegis')
    .description('SLOs as a release gate: check their files, ask for decisions.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .configureOutput({
      writeOut: (text) => (printed += text),
      writeErr: () => undefined,
      outputError: () => undefined,
    })
    .exitOverride()
    .hook('preSubcommand', (_program, command) => {
      name = `aegis ${command.name()}`;
    })
    .addHelpText('after', help);
  for (const define of commands) {
    const command = define(terminal, (code) => (exitCode = code));
    command.helpOption('-h, --help', 'print this help');
    program.addCommand(command.copyInheritedSettings(program));
    for (const inner of command.commands)
      inner.copyInheritedSettings(program).helpOption('-h, --help', 'print this help');
  }
  try {
    if (argv.length === 0) throw new AegisError('invalid_setting', 'a command is missing: see aegis --help');
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

const help = `
Exit codes: 0 valid, or go on; 1 invalid, or blocked; 2 usage; 3 no answer could be had.

Examples:
  aegis validate --dir slos
  aegis gate --slo api-availability --server http://aegis:8080
  aegis explain --slo api-availability
  aegis gate --help
`;

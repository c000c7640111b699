import { Argument, Command } from 'commander';
import type { DefineCommand } from './command.ts';
import { exitCodes } from './command.ts';
import { placesOf } from './completion-places.ts';
import { completionScripts, shells, type Shell } from './completion-scripts.ts';
import { withManual } from './manual.ts';

/** `aegis completion`: a script that lets a shell complete commands, flags and their values. */
export const completion: DefineCommand = (terminal, onExit) => {
  const command = new Command('completion')
    .summary('print a script that completes commands in a shell')
    .description('Prints a script that lets bash, zsh or fish complete commands, flags and the values of flags.')
    .usage('bash | zsh | fish')
    .addArgument(new Argument('<shell>', 'the shell').choices(shells))
    .action(async (shell: Shell) => {
      await terminal.out(completionScripts[shell](placesOf(command.parent ?? command)));
      onExit(exitCodes.ok);
    });
  return withManual(command, {
    exits: { 0: 'printed' },
    examples: [
      'source <(aegis completion bash)',
      'aegis completion bash > aegis.bash',
      'aegis completion zsh > _aegis',
      'aegis completion fish > aegis.fish',
    ],
  });
};

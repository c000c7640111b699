import { Command } from 'commander';
import { path } from '../config/parsers.ts';
import { AegisError } from '../errors.ts';
import type { Restored } from '../storage/sqlite/maintenance/restore.ts';
import { visible } from '../telemetry/visible.ts';
import type { DefineCommand } from './command.ts';
import { exitCodes, flag } from './command.ts';
import { dbFlag, dbOf, interruptible, orComplain, progressOf } from './db-flags.ts';
import { rowsText } from './db-report.ts';
import { withManual } from './manual.ts';

/** `aegis db restore`: a backup in the place of the database, which is kept. */
export const dbRestore: DefineCommand = (terminal, onExit) => {
  const given: { file?: string; from?: string } = {};
  const command = new Command('restore')
    .summary('put a backup in the place of the database')
    .description(
      'Checks a backup, and puts a copy of it in the place of the database, which is kept under another name. Stop the server first.',
    )
    .usage('--from <file> [flags]')
    .addOption(flag('--from', 'file', 'the backup', path, (from) => (given.from = from)))
    .addOption(dbFlag((file) => (given.file = file)))
    .action(async () => {
      const { from } = given;
      if (from === undefined) throw new AegisError('invalid_setting', '--from: missing: give the file of the backup');
      const { restore } = await import('../storage/sqlite/maintenance/restore.ts');
      const to = dbOf(terminal, given.file);
      const codes = { unusable: exitCodes.negative, unreadable: exitCodes.unknown };
      const code = await orComplain(terminal, 'restore', codes, async () => {
        const { onProgress, end } = progressOf(terminal, 'restore');
        const report = (message: string) => void terminal.err(`aegis db restore: ${visible(message)}\n`);
        const options = { from, to, report, onProgress, nowMs: Date.now() };
        const restored = await interruptible((signal) => restore({ ...options, signal })).finally(end);
        await terminal.out(textOf(restored));
        return exitCodes.ok;
      });
      onExit(code);
    });
  return withManual(command, {
    exits: {
      0: 'the backup stands in the place of the database',
      1: 'the database is as it was: the backup is damaged or newer, or a process has the database open',
      3: 'the backup could not be read',
    },
    examples: ['aegis db restore --from /var/backups/aegis.db --db aegis.db'],
  });
};

function textOf({ to, backup, kept, isKeptSound }: Restored): string {
  const restored = `${to} is restored from ${backup.file}: ${rowsText(backup.tables)}, schema version ${backup.version}\n`;
  if (kept === null) return restored;
  const undo = isKeptSound ? `aegis db restore --from '${kept}' --db '${to}'` : `mv '${kept}' '${to}'`;
  return `${restored}The database before is ${kept}. To go back to it, stop the server and run:\n  ${undo}\n`;
}

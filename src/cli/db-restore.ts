import { Command } from 'commander';
import { path } from '../config/parsers.ts';
import { AegisError } from '../errors.ts';
import type { Restored } from '../storage/sqlite/maintenance/restore.ts';
import { visible } from '../telemetry/visible.ts';
import type { DefineCommand, ExitCode } from './command.ts';
import { exitCodes, flag } from './command.ts';
import { dbFlag, dbOf, interruptible, orComplain, progressOf } from './db-flags.ts';
import { rowsText } from './db-report.ts';
import { withManual } from './manual.ts';
import type { Terminal } from './terminal.ts';

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
      onExit(await runRestore(terminal, from, dbOf(terminal, given.file)));
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

function runRestore(terminal: Terminal, from: string, to: string): Promise<ExitCode> {
  const codes = { unusable: exitCodes.negative, unreadable: exitCodes.unknown };
  return orComplain(terminal, 'restore', codes, async () => {
    const { restore } = await import('../storage/sqlite/maintenance/restore.ts');
    const { onProgress, end } = progressOf(terminal, 'restore');
    const report = (message: string) => void terminal.err(`aegis db restore: ${visible(message)}\n`);
    const options = { from, to, report, onProgress, nowMs: Date.now() };
    const restored = await interruptible((signal) => restore({ ...options, signal })).finally(end);
    await terminal.out(textOf(restored));
    return exitCodes.ok;
  });
}

function textOf({ to, backup, isMigratedLater, kept }: Restored): string {
  const version = `schema version ${backup.version}${isMigratedLater ? ', which the next start of aegis-server migrates' : ''}`;
  const restored = `${to} is restored from ${backup.file}: ${rowsText(backup.tables)}, ${version}\n`;
  if (kept === null) return restored;
  const [file, db] = [quotedWord(kept.file), quotedWord(to)];
  const log = kept.log === null ? '' : ` && mv ${quotedWord(kept.log)} ${quotedWord(`${to}-wal`)}`;
  const undo = kept.isSound ? `aegis db restore --from ${file} --db ${db}` : `mv ${file} ${db}${log}`;
  return `${restored}The database before is ${kept.file}. To go back to it, stop the server and run:\n  ${undo}\n`;
}

function quotedWord(path: string): string {
  return /^[\w./:@%+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

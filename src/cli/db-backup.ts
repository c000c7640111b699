import { Command } from 'commander';
import { path } from '../config/parsers.ts';
import { AegisError } from '../errors.ts';
import type { DefineCommand, ExitCode } from './command.ts';
import { exitCodes, flag } from './command.ts';
import { dbFlag, dbOf, interruptible, orComplain, progressOf } from './db-flags.ts';
import { rowsText, sizeText } from './db-report.ts';
import { withManual } from './manual.ts';
import type { Terminal } from './terminal.ts';

/** `aegis db backup`: a checked copy of the database, as it is at one instant, beside a running server. */
export const dbBackup: DefineCommand = (terminal, onExit) => {
  const given: { file?: string; to?: string; force: boolean } = { force: false };
  const command = new Command('backup')
    .summary('copy the database to a file')
    .description(
      'Copies the database as it is at one instant to a file, checks the copy, and only then gives it the name. The server goes on writing.',
    )
    .usage('--to <file> [flags]')
    .addOption(flag('--to', 'file', 'the file of the backup', path, (to) => (given.to = to)))
    .addOption(dbFlag((file) => (given.file = file)))
    .option('--force', 'replace a file of that name', () => (given.force = true))
    .action(async () => {
      const { to, force } = given;
      if (to === undefined) throw new AegisError('invalid_setting', '--to: missing: give the file of the backup');
      onExit(await runBackup(terminal, { from: dbOf(terminal, given.file), to, force }));
    });
  return withManual(command, {
    exits: {
      0: 'the backup is there, whole and checked',
      1: 'there is no new backup; a file of that name is as it was',
      3: 'the database could not be read',
    },
    examples: [
      'aegis db backup --db aegis.db --to /var/backups/aegis.db --force',
      'aegis db backup --db aegis.db --to "aegis-$(date -u +%Y%m%dT%H%M%SZ).db"',
    ],
  });
};

interface Asked {
  readonly from: string;
  readonly to: string;
  readonly force: boolean;
}

function runBackup(terminal: Terminal, asked: Asked): Promise<ExitCode> {
  const codes = { unusable: exitCodes.unknown, unreadable: exitCodes.unknown };
  return orComplain(terminal, 'backup', codes, async () => {
    // Loaded here: other commands do without SQLite.
    const { backUp } = await import('../storage/sqlite/maintenance/backup.ts');
    const startedAtMs = performance.now();
    const { onProgress, end } = progressOf(terminal, 'backup');
    const copied = await interruptible((signal) => backUp({ ...asked, onProgress, signal })).finally(end);
    const { pages, bytes, tables } = copied;
    const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
    const size = `${pages} pages, ${bytes} bytes (${sizeText(bytes)}) in ${seconds} s`;
    await terminal.out(`${asked.to}: ${size}, ${rowsText(tables)}\n`);
    return exitCodes.ok;
  });
}

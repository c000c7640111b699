import { Command } from 'commander';
import { oneOf, text as oneLine } from '../config/parsers.ts';
import { AegisError } from '../errors.ts';
import { visible } from '../telemetry/visible.ts';
import type { DumpOptions } from '../storage/sqlite/maintenance/dump.ts';
import type { DefineCommand, ExitCode } from './command.ts';
import { exitCodes, flag } from './command.ts';
import { dbFlag, dbOf, orComplain } from './db-flags.ts';
import { withManual } from './manual.ts';
import type { Terminal } from './terminal.ts';

/** `aegis db dump`: the rows as text, from a damaged database too. */
export const dbDump: DefineCommand = (terminal, onExit) => {
  const tables: string[] = [];
  const given: { file?: string; format: 'jsonl' | 'csv' | 'sql' } = { format: 'jsonl' };
  const command = new Command('dump')
    .summary('write the rows of the database as text')
    .description('Writes the rows of the database to standard output; of a damaged one all that can be read.')
    .usage('[flags]')
    .addOption(dbFlag((file) => (given.file = file)))
    .addOption(flag('--table', 'table...', 'only these tables [all]', oneLine, (table) => tables.push(table)))
    .addOption(
      flag('--format', 'form', 'jsonl, csv (of one table) or sql [jsonl]', oneOf('jsonl', 'csv', 'sql'), (form) => {
        given.format = form;
      }),
    )
    .action(async () => {
      const { format } = given;
      if (format === 'csv' && tables.length !== 1)
        throw new AegisError('invalid_setting', '--format csv: needs one --table, such as evaluations');
      const file = dbOf(terminal, given.file);
      onExit(await runDump(terminal, { file, format, tables: tables.length === 0 ? undefined : tables }));
    });
  return withManual(command, {
    exits: { 0: 'all is written', 1: 'some of it could not be read', 3: 'nothing could be read' },
    examples: [
      'aegis db dump --db aegis.db --table evaluations --format csv > evaluations.csv',
      'aegis db dump --db aegis.db --format sql | gzip > aegis.sql.gz',
      'aegis db dump --db aegis.db --table served_decisions orders | jq -r .caller | sort | uniq -c',
    ],
  });
};

function runDump(terminal: Terminal, asked: Pick<DumpOptions, 'file' | 'format' | 'tables'>): Promise<ExitCode> {
  const codes = { unusable: exitCodes.unknown, unreadable: exitCodes.unknown };
  return orComplain(terminal, 'dump', codes, async () => {
    const { dump } = await import('../storage/sqlite/maintenance/dump.ts');
    let gaps = 0;
    const onGap = (gap: string) => {
      gaps += 1;
      void terminal.err(`aegis db dump: ${visible(gap)}\n`);
    };
    const write = async (text: string) => {
      await terminal.out(text);
      return !process.stdout.destroyed; // `| head` has enough
    };
    const absent = await dump({ ...asked, write, onGap });
    if (absent !== null) {
      const [missing, there] = [absent.missing.join(', '), absent.there.join(', ')];
      throw new AegisError('invalid_setting', `--table: ${missing}: there is no such table, but ${there}`);
    }
    return gaps > 0 ? exitCodes.negative : exitCodes.ok;
  });
}

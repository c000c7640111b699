import { Command } from 'commander';
import { oneOf, text as oneLine } from '../config/parsers.ts';
import { AegisError } from '../errors.ts';
import { visible } from '../telemetry/visible.ts';
import type { DefineCommand } from './command.ts';
import { exitCodes, flag } from './command.ts';
import { dbFlag, dbOf, orComplain } from './db-flags.ts';
import { withManual } from './manual.ts';

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
      const { dump } = await import('../storage/sqlite/maintenance/dump.ts');
      const codes = { unusable: exitCodes.unknown, unreadable: exitCodes.unknown };
      const code = await orComplain(terminal, 'dump', codes, async () => {
        let gaps = 0;
        const onGap = (gap: string) => {
          gaps += 1;
          void terminal.err(`aegis db dump: ${visible(gap)}\n`);
        };
        const write = async (text: string) => {
          await terminal.out(text);
          return !process.stdout.destroyed; // `| head` has enough
        };
        const file = dbOf(terminal, given.file);
        const absent = await dump({ file, tables: tables.length === 0 ? undefined : tables, format, write, onGap });
        if (absent !== null)
          throw new AegisError(
            'invalid_setting',
            `--table: ${absent.missing.join(', ')}: there is no such table, but ${absent.there.join(', ')}`,
          );
        return gaps > 0 ? exitCodes.negative : exitCodes.ok;
      });
      onExit(code);
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

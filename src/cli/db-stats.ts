import { Command } from 'commander';
import { wholeNumber } from '../config/parsers.ts';
import type { DatabaseStats } from '../storage/sqlite/maintenance/stats.ts';
import { visible } from '../telemetry/visible.ts';
import type { DefineCommand, ExitCode } from './command.ts';
import { exitCodes, flag } from './command.ts';
import { dbFlag, dbOf, orComplain } from './db-flags.ts';
import { sizeText, tableText } from './db-report.ts';
import { jsonText } from './json-text.ts';
import { withManual } from './manual.ts';
import { formatFlag } from './server-flags.ts';
import type { Terminal } from './terminal.ts';

/** `aegis db stats`: what takes the room, and how it grows. */
export const dbStats: DefineCommand = (terminal, onExit) => {
  const given: { file?: string; top: number; format?: 'text' | 'json' } = { top: 10 };
  const command = new Command('stats')
    .summary('show what is in the database and how it grows')
    .description(
      'Shows the size of the database, its tables, the SLOs with the most evaluations, and its growth a day.',
    )
    .usage('[flags]')
    .addOption(dbFlag((file) => (given.file = file)))
    .addOption(flag('--top', 'number', 'how many SLOs [10]', wholeNumber(1, 100_000), (top) => (given.top = top)))
    .addOption(formatFlag('text on a terminal, json otherwise', (form) => (given.format = form)))
    .action(async () => {
      const format = given.format ?? (terminal.isTerminal ? 'text' : 'json');
      onExit(await runStats(terminal, { file: dbOf(terminal, given.file), top: given.top, format }));
    });
  return withManual(command, {
    exits: { 0: 'shown', 1: 'it is damaged, or no database of AegisSLO', 3: 'it could not be read' },
    examples: ['aegis db stats --db aegis.db', "aegis db stats --db aegis.db --format json | jq '.days[1].bytes'"],
  });
};

interface Asked {
  readonly file: string;
  readonly top: number;
  readonly format: 'text' | 'json';
}

function runStats(terminal: Terminal, { file, top, format }: Asked): Promise<ExitCode> {
  const codes = { unusable: exitCodes.negative, unreadable: exitCodes.unknown };
  return orComplain(terminal, 'stats', codes, async () => {
    const { statsOf } = await import('../storage/sqlite/maintenance/stats.ts');
    const stats = await statsOf(file, { top, nowMs: Date.now() });
    await terminal.out(format === 'text' ? textOf(stats) : `${jsonText(stats, 2)}\n`);
    return exitCodes.ok;
  });
}

function textOf({
  file,
  version,
  bytes,
  logBytes,
  pageBytes,
  pages,
  freePages,
  tables,
  slos,
  days,
}: DatabaseStats): string {
  const log = logBytes === 0 ? '' : `, and ${sizeText(logBytes)} in its write-ahead log`;
  return [
    `${visible(file)}: ${sizeText(bytes)}${log}, schema version ${version}\n`,
    `${pages} pages of ${pageBytes} bytes, ${freePages} of them free (${sizeText(freePages * pageBytes)})\n`,
    '\n',
    tableText(
      ['TABLE', 'ROWS', 'BYTES', 'BYTES/ROW', 'OLDEST', 'NEWEST'],
      tables.map((one) => [
        one.name,
        one.rows,
        one.bytes,
        one.bytesPerRow ?? '-',
        one.oldest ?? '-',
        one.newest ?? '-',
      ]),
    ),
    '\n',
    tableText(
      ['SLO', 'EVALUATIONS'],
      slos.map(({ sloId, evaluations }) => [visible(sloId), evaluations]),
    ),
    '\n',
    tableText(
      ['DAY', 'EVALUATIONS', 'DECISIONS', 'BYTES'],
      days.map((one) => [one.day, one.evaluations, one.decisions, one.bytes]),
    ),
  ].join('');
}

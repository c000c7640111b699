import { Command } from 'commander';
import { AegisError } from '../errors.ts';
import type { Verified } from '../storage/sqlite/maintenance/verify.ts';
import { visible } from '../telemetry/visible.ts';
import type { DefineCommand, ExitCode } from './command.ts';
import { exitCodes } from './command.ts';
import { dbFlag, dbOf, orComplain } from './db-flags.ts';
import { contentsText, sizeText } from './db-report.ts';
import { jsonText } from './json-text.ts';
import { withManual } from './manual.ts';
import { formatFlag } from './server-flags.ts';
import type { Terminal } from './terminal.ts';

/** `aegis db verify`: whether a database, or a backup of one, is intact, and what is in it. */
export const dbVerify: DefineCommand = (terminal, onExit) => {
  const given: { file?: string; format?: 'text' | 'json' } = {};
  const command = new Command('verify')
    .summary('check a database or a backup')
    .description('Reads every page of a database or a backup, and says what is in it. Nothing is written.')
    .usage('[file] [flags]')
    .argument('[file]', 'the database or backup [--db]')
    .addOption(dbFlag((file) => (given.file = file)))
    .addOption(formatFlag('text on a terminal, json otherwise', (form) => (given.format = form)))
    .action(async (named: string | undefined) => {
      if (named !== undefined && given.file !== undefined)
        throw new AegisError('invalid_setting', `two files are named: ${named}, and --db ${given.file}`);
      const format = given.format ?? (terminal.isTerminal ? 'text' : 'json');
      onExit(await runVerify(terminal, named ?? dbOf(terminal, given.file), format));
    });
  return withManual(command, {
    exits: { 0: 'it is intact', 1: 'it is damaged, or no database of AegisSLO', 3: 'it could not be read' },
    examples: ['aegis db verify /var/backups/aegis.db', 'aegis db verify --db aegis.db --format text'],
  });
};

function runVerify(terminal: Terminal, file: string, format: 'text' | 'json'): Promise<ExitCode> {
  const codes = { unusable: exitCodes.negative, unreadable: exitCodes.unknown };
  return orComplain(terminal, 'verify', codes, async () => {
    const { verify } = await import('../storage/sqlite/maintenance/verify.ts');
    const verified = await verify(file);
    const isIntact = verified.damage.length === 0;
    const json = () => `${jsonText({ isIntact, ...verified }, 2)}\n`;
    await terminal.out(format === 'text' ? textOf(verified) : json());
    return isIntact ? exitCodes.ok : exitCodes.negative;
  });
}

function textOf(verified: Verified): string {
  const { file, bytes, logBytes, version, writtenBy, isNewer, openedBy, damage, tables } = verified;
  const log = logBytes === 0 ? '' : `, and ${sizeText(logBytes)} in its write-ahead log`;
  const by = writtenBy === null ? '' : `, written by AegisSLO ${writtenBy}`;
  const newer = isNewer ? ': newer than this program can open' : '';
  const lines = [
    `${visible(file)}: ${damage.length === 0 ? 'intact' : 'DAMAGED'}`,
    ...damage.map((line) => `  ${visible(line)}`),
    `${sizeText(bytes)}${log}, schema version ${version}${by}${newer}`,
    ...openedBy.map(({ pid, name }) => `open in process ${pid} (${visible(name)})`),
  ];
  return `${lines.join('\n')}\n${tables.length === 0 ? '' : `\n${contentsText(tables)}`}`;
}

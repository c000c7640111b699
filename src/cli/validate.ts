import { Command } from 'commander';
import { oneOf, path } from '../config/parsers.ts';
import type { PrometheusSettings } from '../config/settings.ts';
import { notAllowed, quoted } from '../config/usage.ts';
import { AegisError } from '../errors.ts';
import { visible } from '../telemetry/visible.ts';
import type { DefineCommand, ExitCode } from './command.ts';
import { exitCodes, flag } from './command.ts';
import { prometheusFlags } from './live-check-settings.ts';
import { withManual, type Manual } from './manual.ts';
import type { Terminal } from './terminal.ts';
import { painter } from './terminal.ts';
import { countsOf, jsonReport, textReport, type Validation } from './validate-report.ts';

interface Given {
  directory?: string;
  format: 'text' | 'json';
}

/** `aegis validate`: checks a directory of SLO files as the server reads it. */
export const validate: DefineCommand = (terminal, onExit) => {
  const given: Given = { format: 'text' };
  const command = new Command('validate')
    .summary('check a directory of SLO files')
    .description('Checks a directory of SLO files as aegis-server reads it, and tells every error with its place.')
    .usage('--dir <dir> [flags]')
    .addOption(flag('--dir', 'dir', 'the directory, read recursively', path, (dir) => (given.directory = dir)))
    .addOption(flag('--format', 'form', 'text or json [text]', oneOf('text', 'json'), (form) => (given.format = form)));
  const prometheus = prometheusFlags(command, terminal);
  command.action(async () => onExit(await runValidate(terminal, given, prometheus())));
  return withManual(command, manual);
};

async function runValidate(
  terminal: Terminal,
  { directory, format }: Given,
  prometheus: PrometheusSettings | undefined,
): Promise<ExitCode> {
  if (directory === undefined) throw new AegisError('invalid_setting', '--dir: missing: give a directory of SLO files');
  // Loaded here: the schema and the grammar cost a third of a second that other commands need not wait.
  const { readDirectory } = await import('../catalogue/read-directory.ts');
  const { unreadable, files, slos, problems } = await readDirectory(directory);
  if (unreadable !== undefined)
    throw notAllowed('--dir', quoted(directory), `a directory that can be read; ${unreadable}`);
  // Loaded here: most checks need no HTTP client.
  const live = prometheus && (await (await import('./live-check.ts')).checkLive(slos, prometheus));
  const validation: Validation = {
    files,
    validSlos: slos.length,
    problems: [...problems, ...(live?.problems ?? [])],
    ...(live && { live: live.report }),
  };
  const hasErrors = countsOf(validation).errors > 0;
  // Nothing was found wrong because nothing was found: most likely another directory was meant.
  const isEmpty = slos.length === 0 && !hasErrors;
  const valid = !hasErrors && !isEmpty;
  await terminal.out(
    format === 'json' ? jsonReport(validation, valid) : textReport(validation, painter(terminal.colours)),
  );
  if (isEmpty) await terminal.err(`aegis validate: no SLO files (*.yaml, *.yml) with an SLO in ${quoted(directory)}\n`);
  if (live?.unusable !== undefined)
    await terminal.err(`aegis validate: the server could not be asked: ${visible(live.unusable)}\n`);
  if (!valid) return exitCodes.negative;
  return live?.unusable === undefined ? exitCodes.ok : exitCodes.unknown;
}

const manual: Manual = {
  exits: {
    0: 'valid (there may be warnings)',
    1: 'invalid or without any SLO',
    3: 'valid as far as it goes, but --prometheus-url could not be asked',
  },
  examples: [
    'aegis validate --dir slos',
    'aegis validate --dir slos --prometheus-url http://prometheus:9090',
    "aegis validate --dir slos --format json | jq '.problems[].message'",
  ],
};

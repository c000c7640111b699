import { Command, Option } from 'commander';
import { duration, text as oneLine } from '../config/parsers.ts';
import { notAllowed, quoted } from '../config/usage.ts';
import type { DefineCommand } from './command.ts';
import { flag } from './command.ts';
import { connectionFlags } from './connection.ts';
import { decisionWord } from './decision-word.ts';
import { withManual, type Manual } from './manual.ts';
import { formatFlag } from './server-flags.ts';

interface Given {
  service?: string;
  environment?: string;
  decision?: 'ALLOW' | 'WARN' | 'BLOCK';
  format?: 'text' | 'json';
  watchMs?: number;
}

const watchEvery = duration('500ms', '1h');
const defaultWatchMs = 2000;

/** `aegis status`: all SLOs of a server and their decisions as they stand. */
export const status: DefineCommand = (terminal, onExit) => {
  const given: Given = {};
  const command = new Command('status')
    .summary('show all SLOs of a server and their decisions')
    .description(
      'Shows each SLO with its decision as it stands, the budget that is left, the rule that burns and the age of the decision, the worst first. Nothing is evaluated for it, and nothing is written to the audit.',
    )
    .usage('[flags]')
    .addOption(flag('--service', 'name', 'SLOs of this service', oneLine, (name) => (given.service = name)))
    .addOption(flag('--env', 'name', 'SLOs of this environment', oneLine, (name) => (given.environment = name)))
    .addOption(
      flag('--decision', 'decision', 'SLOs that stand so: allow, warn or block', decisionWord, (decision) => {
        given.decision = decision;
      }),
    )
    .addOption(
      new Option('--watch [interval]', 'go on and on, until Ctrl-C [2s]').preset('').argParser((text) => {
        const ms = text === '' ? defaultWatchMs : watchEvery.parse(text);
        if (ms === undefined) throw notAllowed('--watch', quoted(text), watchEvery.allowed);
        given.watchMs = ms;
      }),
    )
    .addOption(formatFlag('text on a terminal, json otherwise', (form) => (given.format = form)));
  const connection = connectionFlags(command, terminal);
  command.action(async () => {
    // Loaded here: other commands do without an HTTP client.
    const { runStatus } = await import('./status-run.ts');
    const { format = terminal.isTerminal ? 'text' : 'json', watchMs, ...filter } = given;
    onExit(await runStatus(terminal, await connection(), { format, watchMs, filter }));
  });
  return withManual(command, manual);
};

const manual: Manual = {
  exits: { 0: 'shown, whatever the decisions are; or watched until Ctrl-C', 3: 'no answer could be had' },
  examples: [
    'aegis status',
    'aegis status --env production --decision block',
    'aegis status --watch --server https://aegis.internal',
    'aegis status --watch 10s --service api-gateway',
    'aegis status --format json | jq -r \'.slos[] | select(.decision != "ALLOW") | .sloID\'',
  ],
};

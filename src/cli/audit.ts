import { Command } from 'commander';
import { parseInstant } from '../api/rfc3339.ts';
import { duration, text as oneLine, wholeNumber, type Parser } from '../config/parsers.ts';
import { AegisError } from '../errors.ts';
import type { AuditKind, AuditQuestion } from './audit-rows.ts';
import type { DefineCommand } from './command.ts';
import { flag } from './command.ts';
import { connectionFlags } from './connection.ts';
import { decisionWord } from './decision-word.ts';
import { withManual, type Manual } from './manual.ts';
import { formatFlag } from './server-flags.ts';

interface Given {
  readonly filters: AuditQuestion['filters'];
  since?: number;
  until?: number;
  limit?: number;
  format?: 'text' | 'json';
}

const ago = duration('1s', '3650d');

/** An instant, or how long ago it is; in epoch milliseconds. */
const instant: Parser<number> = {
  allowed: 'a time ago such as 30m, 2h or 7d, or an instant such as 2026-01-31T10:00:00Z',
  parse: (text) => {
    const agoMs = ago.parse(text);
    return agoMs === undefined ? (parseInstant(text) ?? undefined) : Date.now() - agoMs;
  },
};

const defaultRows = 20;
const defaultFollowedRows = 10;

/** `aegis audit`: what was evaluated, answered or ordered. */
export const audit: DefineCommand = (terminal, onExit) => {
  const given: Given = { filters: {} };
  const filter = (name: keyof Given['filters']) => (value: string) => {
    given.filters[name] = value;
  };
  const command = new Command('audit')
    .summary('show what was evaluated, answered or ordered')
    .description(
      'Shows the audit of a server, newest first: the evaluations; with --decisions who was told what; with --orders what operators ordered. With --follow the newest rows in the order of their time, and then each as it comes.',
    )
    .usage('[--decisions | --orders] [flags]')
    .option('--decisions', 'decisions as they were answered, and to whom')
    .option('--orders', 'orders to the running server')
    .addOption(flag('--slo', 'id', 'rows of this SLO', oneLine, filter('sloID')))
    .addOption(flag('--service', 'name', 'evaluations of this service', oneLine, filter('service')))
    .addOption(flag('--env', 'name', 'evaluations of this environment', oneLine, filter('environment')))
    .addOption(flag('--decision', 'decision', 'rows that say allow, warn or block', decisionWord, filter('decision')))
    .addOption(flag('--caller', 'name', 'decisions or orders of this key or subject', oneLine, filter('caller')))
    .addOption(
      flag('--since', 'when', 'rows from then on: 30m, 2h, 7d or RFC 3339', instant, (ms) => (given.since = ms)),
    )
    .addOption(flag('--until', 'when', 'rows up to then', instant, (ms) => (given.until = ms)))
    .addOption(
      flag('--limit', 'rows', 'how many at most [20; with --follow 10]', wholeNumber(0, 100_000), (rows) => {
        given.limit = rows;
      }),
    )
    .option('--follow', 'go on with new rows as they come, until Ctrl-C')
    .addOption(formatFlag('text on a terminal, json lines otherwise', (form) => (given.format = form)));
  const connection = connectionFlags(command, terminal);
  command.action(async () => {
    const follow = command.getOptionValue('follow') === true;
    const question = questionOf(given, {
      isOfDecisions: command.getOptionValue('decisions') === true,
      isOfOrders: command.getOptionValue('orders') === true,
      follow,
    });
    // Loaded here: other commands do without an HTTP client.
    const { runAudit } = await import('./audit-run.ts');
    const format = given.format ?? (terminal.isTerminal ? 'text' : 'json');
    onExit(await runAudit(terminal, await connection(), { question, format, follow }));
  });
  return withManual(command, manual);
};

const filterFlags = {
  sloID: '--slo',
  service: '--service',
  environment: '--env',
  decision: '--decision',
  caller: '--caller',
} as const;

/** The filters that each list has. */
const filtersOf: Readonly<Record<AuditKind, readonly (keyof typeof filterFlags)[]>> = {
  evaluations: ['sloID', 'service', 'environment', 'decision'],
  decisions: ['sloID', 'decision', 'caller'],
  orders: ['caller'],
};

function questionOf(
  { filters, since, until, limit }: Given,
  { isOfDecisions, isOfOrders, follow }: { isOfDecisions: boolean; isOfOrders: boolean; follow: boolean },
): AuditQuestion {
  const mistake = (message: string) => new AegisError('invalid_setting', message);
  if (isOfDecisions && isOfOrders) throw mistake('--decisions: not allowed together with --orders');
  const kind = isOfDecisions ? 'decisions' : isOfOrders ? 'orders' : 'evaluations';
  for (const [name, flagName] of Object.entries(filterFlags))
    if (name in filters && !filtersOf[kind].some((known) => known === name))
      throw mistake(
        `${flagName}: ${kind} have no such filter: ${filtersOf[kind].map((one) => filterFlags[one]).join(', ')}`,
      );
  if (follow && until !== undefined) throw mistake('--until: not allowed together with --follow');
  if (!follow && limit === 0) throw mistake('--limit: 0 is for --follow: give a number from 1 to 100000');
  if (since !== undefined && until !== undefined && since > until) throw mistake('--since: it is after --until');
  return {
    kind,
    filters,
    ...(since !== undefined && { sinceMs: since }),
    ...(until !== undefined && { untilMs: until }),
    limit: limit ?? (follow ? defaultFollowedRows : defaultRows),
  };
}

const manual: Manual = {
  exits: { 0: 'shown, also where there are no such rows; or followed until Ctrl-C', 3: 'no answer could be had' },
  examples: [
    'aegis audit --slo api-availability --since 2h',
    'aegis audit --decision block --env production --since 7d --limit 500',
    'aegis audit --follow --service api-gateway',
    'aegis audit --decisions --caller deploy --since 2026-01-31T10:00:00Z --until 2026-01-31T11:00:00Z',
    'aegis audit --orders --since 30d --format json | jq -r .order',
  ],
};

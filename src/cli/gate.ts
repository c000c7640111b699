import { Command } from 'commander';
import { oneOf, text as oneLine } from '../config/parsers.ts';
import { AegisError } from '../errors.ts';
import type { DefineCommand } from './command.ts';
import { flag } from './command.ts';
import type { Question } from './gate-answer.ts';
import { failOnLevels } from './judge.ts';
import type { FailOn } from './judge.ts';
import { withManual, type Manual } from './manual.ts';
import { defaultTimeoutMs, formatFlag, serverFlag, serverOf, timeoutFlag } from './server-flags.ts';
import { caFileFlag, certFileFlag, keyFileFlag, tlsFor, type TlsFiles } from './tls-files.ts';
import { tokenFileFlag, tokenFor } from './token.ts';

interface Given extends TlsFiles {
  readonly sloIds: string[];
  service?: string;
  environment?: string;
  server?: URL;
  tokenFile?: string;
  failOn: FailOn;
  format?: 'text' | 'json';
  timeoutMs: number;
}

/** `aegis gate`: asks a running server whether it is safe to deploy. */
export const gate: DefineCommand = (terminal, onExit) => {
  const given: Given = { sloIds: [], failOn: 'unproven', timeoutMs: defaultTimeoutMs };
  const command = new Command('gate')
    .summary('ask a server whether it is safe to deploy')
    .description('Asks aegis-server whether it is safe to deploy now.')
    .usage('--slo <id...> [flags]')
    .addOption(
      flag('--slo', 'id...', 'SLOs to ask for; the worst answer counts', oneLine, (id) => given.sloIds.push(id)),
    )
    .addOption(
      flag(
        '--service',
        'name',
        'ask for the state of a service, with --env',
        oneLine,
        (name) => (given.service = name),
      ),
    )
    .addOption(flag('--env', 'name', 'environment of the service', oneLine, (name) => (given.environment = name)))
    .addOption(serverFlag((server) => (given.server = server)))
    .addOption(tokenFileFlag((file) => (given.tokenFile = file)))
    .addOption(caFileFlag(given))
    .addOption(certFileFlag(given))
    .addOption(keyFileFlag(given))
    .option('--fresh', 'evaluate now, for this question')
    .addOption(flag('--fail-on', 'what', failOnAbout, oneOf(...failOnLevels), (what) => (given.failOn = what)))
    .option('--dry-run', 'print the answer and exit 0')
    .addOption(formatFlag('text on a terminal, json otherwise', (form) => (given.format = form)))
    .addOption(timeoutFlag((ms) => (given.timeoutMs = ms)));
  command.action(async () => {
    // Loaded here: other commands do without an HTTP client.
    const { runGate } = await import('./gate-run.ts');
    const { sloIds, service, environment, tokenFile, ...options } = given;
    const server = given.server ?? serverOf(terminal);
    const code = await runGate(terminal, {
      ...options,
      questions: questionsOf({ sloIds, service, environment, fresh: command.getOptionValue('fresh') === true }),
      server,
      token: await tokenFor({ command: 'gate', terminal, server }, tokenFile),
      tls: await tlsFor(terminal, given),
      format: given.format ?? (terminal.isTerminal ? 'text' : 'json'),
      dryRun: command.getOptionValue('dryRun') === true,
    });
    onExit(code);
  });
  return withManual(command, manual);
};

const failOnAbout = 'what holds: block; unproven, a WARN whose truth is not known, too; warn, every WARN [unproven]';

function questionsOf(asked: {
  readonly sloIds: readonly string[];
  readonly service: string | undefined;
  readonly environment: string | undefined;
  readonly fresh: boolean;
}): readonly Question[] {
  const { sloIds, service, environment, fresh } = asked;
  const mistake = (message: string) => new AegisError('invalid_setting', message);
  if (service === undefined && environment === undefined) {
    if (sloIds.length === 0) throw mistake('--slo: missing: give the id of an SLO, or --service and --env');
    return [...new Set(sloIds)].map((sloId) => ({ kind: 'slo', sloId, fresh }));
  }
  if (sloIds.length > 0) throw mistake('--slo: not allowed together with --service and --env');
  if (service === undefined) throw mistake('--service: missing, and required with --env');
  if (environment === undefined) throw mistake('--env: missing, and required with --service');
  // A state is told of decisions that were made; there is no evaluating it anew.
  if (fresh) throw mistake('--fresh: not allowed together with --service and --env: ask with --slo');
  return [{ kind: 'state', service, environment }];
}

const manual: Manual = {
  exits: { 0: 'go on', 1: 'blocked', 3: 'no decision could be had' },
  examples: [
    'aegis gate --slo api-availability',
    'aegis gate --slo api-availability checkout-latency --fresh --server https://aegis.internal',
    'aegis gate --service api-gateway --env production --fail-on warn',
    'AEGIS_SERVER=http://aegis:8080 aegis gate --slo api-availability --format json | jq .verdict',
  ],
};

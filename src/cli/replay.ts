import { Command } from 'commander';
import { text as oneLine } from '../config/parsers.ts';
import { AegisError } from '../errors.ts';
import type { DefineCommand } from './command.ts';
import { flag } from './command.ts';
import { withManual, type Manual } from './manual.ts';
import { defaultTimeoutMs, formatFlag, serverFlag, serverOf, timeoutFlag } from './server-flags.ts';
import { caFileFlag, certFileFlag, keyFileFlag, tlsFor, type TlsFiles } from './tls-files.ts';
import { tokenFileFlag, tokenFor } from './token.ts';

interface Given extends TlsFiles {
  evaluationId?: string;
  server?: URL;
  tokenFile?: string;
  format: 'text' | 'json';
  timeoutMs: number;
}

/** `aegis replay`: decides again, here, on the measurement that an evaluation recorded. */
export const replay: DefineCommand = (terminal, onExit) => {
  const given: Given = { format: 'text', timeoutMs: defaultTimeoutMs };
  const command = new Command('replay')
    .summary('decide again on a recorded measurement')
    .description('Runs the policy of this aegis on the measurement that an evaluation recorded, and compares.')
    .usage('--evaluation <id> [flags]')
    .addOption(flag('--evaluation', 'id', 'the evaluation', oneLine, (id) => (given.evaluationId = id)))
    .addOption(serverFlag((server) => (given.server = server)))
    .addOption(tokenFileFlag((file) => (given.tokenFile = file)))
    .addOption(caFileFlag(given))
    .addOption(certFileFlag(given))
    .addOption(keyFileFlag(given))
    .addOption(formatFlag('text', (form) => (given.format = form)))
    .addOption(timeoutFlag((ms) => (given.timeoutMs = ms)))
    .action(async () => {
      const { evaluationId, format, timeoutMs, server = serverOf(terminal) } = given;
      if (evaluationId === undefined)
        throw new AegisError('invalid_setting', '--evaluation: missing: give the id of an evaluation');
      const token = await tokenFor({ command: 'replay', terminal, server }, given.tokenFile);
      const tls = await tlsFor(terminal, given);
      // Loaded here: other commands do without the policy.
      const { runReplay } = await import('./replay-run.ts');
      onExit(await runReplay(terminal, { evaluationId, server, token, tls, format, timeoutMs }));
    });
  return withManual(command, manual);
};

const manual: Manual = {
  exits: {
    0: 'the same decision and reasons',
    1: 'others',
    3: 'nothing to decide on (unknown id, no evidence kept, no answer)',
  },
  examples: [
    'aegis replay --evaluation 01930001-0000-7000-8000-000000000000',
    'aegis replay --evaluation "$(curl -s http://aegis:8080/v1/audit?limit=1 | jq -r \'.records[0].evaluationID\')" --server http://aegis:8080',
  ],
};

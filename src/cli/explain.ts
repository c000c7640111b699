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
  sloId?: string;
  evaluationId?: string;
  server?: URL;
  tokenFile?: string;
  format: 'text' | 'json';
  timeoutMs: number;
}

/** `aegis explain`: prints the evidence of an evaluation for a person. */
export const explain: DefineCommand = (terminal, onExit) => {
  const given: Given = { format: 'text', timeoutMs: defaultTimeoutMs };
  const command = new Command('explain')
    .summary('show what a decision was made of')
    .description('Shows what burns, how fast, by which rule, what is not known, and the queries to look for yourself.')
    .usage('--slo <id> | --evaluation <id> [flags]')
    .addOption(flag('--slo', 'id', 'the decision of an SLO as it stands', oneLine, (id) => (given.sloId = id)))
    .addOption(flag('--evaluation', 'id', 'an earlier evaluation', oneLine, (id) => (given.evaluationId = id)))
    .addOption(serverFlag((server) => (given.server = server)))
    .addOption(tokenFileFlag((file) => (given.tokenFile = file)))
    .addOption(caFileFlag(given))
    .addOption(certFileFlag(given))
    .addOption(keyFileFlag(given))
    .addOption(formatFlag('text', (form) => (given.format = form)))
    .addOption(timeoutFlag((ms) => (given.timeoutMs = ms)))
    .action(async () => {
      const { format, timeoutMs, server = serverOf(terminal) } = given;
      const about = subjectOf(given);
      const token = await tokenFor({ command: 'explain', terminal, server }, given.tokenFile);
      const tls = await tlsFor(terminal, given);
      // Loaded here: other commands do without the policy.
      const { runExplain } = await import('./explain-run.ts');
      onExit(await runExplain(terminal, { about, server, token, tls, format, timeoutMs }));
    });
  return withManual(command, manual);
};

function subjectOf({ sloId, evaluationId }: Given) {
  const mistake = (message: string) => new AegisError('invalid_setting', message);
  if (sloId !== undefined && evaluationId !== undefined) throw mistake('--slo: not allowed together with --evaluation');
  if (sloId !== undefined) return { sloId };
  if (evaluationId !== undefined) return { evaluationId };
  throw mistake('--slo: missing: give the id of an SLO, or --evaluation');
}

const manual: Manual = {
  exits: { 0: 'explained', 3: 'nothing to explain (unknown id, no evidence kept, no answer)' },
  examples: [
    'aegis explain --slo api-availability',
    'aegis explain --evaluation 01930001-0000-7000-8000-000000000000 --server https://aegis.internal',
    'aegis explain --slo api-availability --format json | jq .paste',
  ],
};

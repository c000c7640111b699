import { Command } from 'commander';
import type { DefineCommand } from './command.ts';
import { exitCodes } from './command.ts';
import { withInner, withManual } from './manual.ts';
import { newSloFields } from './slo-new-fields.ts';

const examples = [
  'aegis slo new --out slos/checkout.yaml',
  'aegis slo new --service checkout --kind availability --objective 99.9% > checkout.yaml',
  'aegis slo new --service checkout --kind latency --threshold 300ms --objective 99% --out slos/checkout-latency.yaml',
  `aegis slo new --service mailer --kind errors --metric mails_total --error-metric mail_errors_total --objective 99% --selector 'job="mailer"'`,
  'aegis slo new --service worker --kind gauge --metric queue_depth --below 1000 --objective 99%',
] as const;

const exits = { 0: 'written', 2: 'usage, or a file that is there already or cannot be written' } as const;

/** `aegis slo`: SLO files. No server is asked. */
export const slo: DefineCommand = (terminal, onExit) =>
  withInner(
    new Command('slo').summary('write SLO files').description('Writes files of SLOs, for the directory of a server.'),
    [create(terminal, onExit)],
    { exits, examples },
  );

const create: DefineCommand = (terminal, onExit) => {
  const fields = newSloFields();
  const command = new Command('new')
    .summary('write a new SLO file')
    .description(
      'Writes an SLO file with the burn rules of the SRE Workbook for its objective, and comments. On a terminal, what no flag says is asked. Kinds of metric: availability (a counter of requests with a status label), latency (a histogram), errors (a counter of errors beside one of all), gauge (a value below a bound).',
    )
    .usage('[flags]');
  for (const { option } of Object.values(fields)) command.addOption(option);
  command.option('--force', 'write over a file that is there');
  command.action(async ({ force }: { force?: boolean }) => {
    // Loaded here: the grammar and the schema cost what other commands need not wait for.
    const { newSlo } = await import('./slo-new-run.ts');
    await newSlo(terminal, fields, force === true);
    onExit(exitCodes.ok);
  });
  return withManual(command, { exits, examples });
};

import { Command, CommanderError, Option } from 'commander';
import { AegisError } from '../errors.ts';
import { version } from '../version.ts';
import { boolean } from './parsers.ts';
import { nameOf, type Setting } from './setting.ts';
import { settings } from './table.ts';
import { flagIn, quoted, usageMessage } from './usage.ts';

/** What the command line says: texts of the flags, in the order in which they stand, or a text to print. */
export type Flags =
  | { readonly kind: 'flags'; readonly texts: ReadonlyMap<Setting<unknown>, readonly string[]> }
  | { readonly kind: 'print'; readonly text: string };

/** Reads the words after `aegis-server`. Throws `invalid_setting` for a command line that it cannot take. */
export function readFlags(argv: readonly string[]): Flags {
  const texts = new Map<Setting<unknown>, string[]>();
  let printed = '';
  const command = serverCommand((setting, text) => {
    texts.set(setting, [...(texts.get(setting) ?? []), text]);
  }).configureOutput({ writeOut: (text) => (printed += text), outputError: () => undefined });
  try {
    command.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Asked again without `=value`, commander finds the flag that was meant.
    if (error.code === 'commander.unknownOption' && error.message.includes('=')) return readFlags([flagIn(error)]);
    const message = usageMessage(error);
    if (message === undefined) return { kind: 'print', text: printed };
    throw new AegisError('invalid_setting', message, { cause: error });
  }
  const stray = command.args[0];
  if (stray !== undefined)
    throw new AegisError('invalid_setting', `${quoted(stray)} is not a flag; there are only flags`);
  return { kind: 'flags', texts };
}

function serverCommand(onText: (setting: Setting<unknown>, text: string) => void): Command {
  const command = new Command('aegis-server')
    .description('Release gate: evaluates SLOs and answers ALLOW, WARN or BLOCK over HTTP.')
    .usage('--slo-dir <dir> [flags]')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .allowExcessArguments()
    .exitOverride()
    .addHelpText('after', examples);
  for (const setting of settings) {
    if (setting.flag === undefined) continue;
    const flag = setting.flag;
    // A boolean by itself is true: `--read-only`.
    const isSwitch = setting.parser === boolean;
    const value = isSwitch ? `[${setting.placeholder}]` : `<${setting.placeholder}>`;
    const option = new Option(`${flag} ${value}`, describe(setting));
    if (isSwitch) option.preset('true');
    option.helpGroup(`${setting.group}:`).argParser((text) => {
      // A flag in the place of a value is a value forgotten: `--slo-dir --adapter synthetic`.
      if (text.startsWith('--') && settings.some((other) => other.flag === text.split('=', 1)[0]))
        throw new AegisError('invalid_setting', `${flag}: the value is missing: ${setting.parser.allowed}`);
      onText(setting, text);
      return text;
    });
    command.addOption(option);
  }
  return command;
}

function describe(setting: Setting<unknown>): string {
  const fallback = setting.fallback === undefined ? '' : `${setting.fallback}; `;
  return `${setting.description} [${fallback}${setting.env}]`;
}

const examples = `
Each flag has an environment variable, in brackets behind its default; the flag goes first.
Secrets have no flag: ${settings
  .filter((setting) => setting.flag === undefined)
  .map(nameOf)
  .join(', ')}.

Examples:
  aegis-server --slo-dir slos --adapter prometheus --prometheus-url http://prometheus:9090
  aegis-server --slo-dir slos --synthetic-fixtures fixtures/metrics --port 8081
  SLO_DIR=/app/slos DB_PATH=/data/aegis.db aegis-server --log-level debug
`;

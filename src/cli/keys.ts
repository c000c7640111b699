import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { keyIdPattern } from '../access/api-key.ts';
import { scopes, type Scope } from '../access/ports.ts';
import { oneOf, path, text as oneLine, type Parser } from '../config/parsers.ts';
import { AegisError } from '../errors.ts';
import type { DefineCommand } from './command.ts';
import { exitCodes, flag } from './command.ts';
import { withInner, withManual } from './manual.ts';
import { formatFlag } from './server-flags.ts';
import type { Terminal } from './terminal.ts';

const dayMs = 86_400_000;

/** From now, in milliseconds. */
const lifetime: Parser<number> = {
  allowed: 'a time from 1h to 3650d, such as 12h or 90d',
  parse: (text) => {
    const [, number = '', unit = ''] = /^(\d{1,5})(h|d)$/.exec(text) ?? [];
    const ms = Number(number) * (unit === 'd' ? dayMs : 3_600_000);
    return number !== '' && ms >= 3_600_000 && ms <= 3650 * dayMs ? ms : undefined;
  },
};

const keyId: Parser<string> = {
  allowed: '1 to 64 of a-z, 0-9, "-" and ".", the first a letter or digit',
  parse: (text) => (keyIdPattern.test(text) ? text : undefined),
};

const exits = { 0: 'done', 2: 'usage, a file that cannot be read or written, or no such key' } as const;
const createExamples = [
  'aegis keys create --file keys.yaml --id deploy --scope decide --expires 90d',
  "aegis keys create --file keys.yaml --id checkout-ci --scope decide --slo 'checkout-*' --env production",
] as const;
const listExamples = ['aegis keys list --file keys.yaml'] as const;
const revokeExamples = ['aegis keys revoke --file keys.yaml --id deploy'] as const;

const mistake = (message: string) => new AegisError('invalid_setting', message);

/** `aegis keys`: makes, lists and revokes the API keys of a file. No server is asked. */
export const keys: DefineCommand = (terminal, onExit) =>
  withInner(
    new Command('keys')
      .summary('make, list and revoke API keys')
      .description('Makes, lists and revokes the API keys of the file that aegis-server reads (--api-keys-file).'),
    [create(terminal, onExit), list(terminal, onExit), revoke(terminal, onExit)],
    { exits, examples: [...createExamples, ...listExamples, ...revokeExamples] },
  );

const create: DefineCommand = (terminal, onExit) => {
  const granted: Scope[] = [];
  const slos: string[] = [];
  const services: string[] = [];
  const environments: string[] = [];
  const given: { file?: string; id?: string; description?: string; lifetimeMs?: number } = {};
  const command = new Command('create')
    .summary('make a key and print it, once')
    .description('Makes a key. It is printed on standard output this once; the file keeps its hash.')
    .usage('--scope <scope...> [flags]')
    .addOption(fileFlag((file) => (given.file = file)))
    .addOption(
      flag('--scope', 'scope...', `what it may do: ${scopes.join(', ')}`, oneOf(...scopes), (one) => granted.push(one)),
    )
    .addOption(flag('--id', 'id', 'its name in logs and audit [made up]', keyId, (id) => (given.id = id)))
    .addOption(flag('--description', 'text', 'whose it is', oneLine, (text) => (given.description = text)))
    .addOption(flag('--expires', 'time', 'how long it is valid [for ever]', lifetime, (ms) => (given.lifetimeMs = ms)))
    .addOption(flag('--slo', 'pattern...', 'only SLOs of these ids', oneLine, (one) => slos.push(one)))
    .addOption(flag('--service', 'pattern...', 'only SLOs of these services', oneLine, (one) => services.push(one)))
    .addOption(flag('--env', 'pattern...', 'only SLOs of these environments', oneLine, (one) => environments.push(one)))
    .action(async () => {
      const [first] = granted;
      if (first === undefined) throw mistake(`--scope: missing: one or more of ${scopes.join(', ')}`);
      const { createKey } = await import('./keys-run.ts');
      await createKey(terminal, fileOf(terminal, given.file), {
        ...given,
        scopes: granted,
        slos,
        services,
        environments,
      });
      onExit(exitCodes.ok);
    });
  return withManual(command, { exits, examples: createExamples });
};

const list: DefineCommand = (terminal, onExit) => {
  const given: { file?: string; format?: 'text' | 'json' } = {};
  const command = new Command('list')
    .summary('show the keys of the file, without their hashes')
    .description(
      'Shows the keys of the file with their scopes, limits and expiry. The file has no key itself, only hashes.',
    )
    .usage('[flags]')
    .addOption(fileFlag((file) => (given.file = file)))
    .addOption(formatFlag('text on a terminal, json otherwise', (form) => (given.format = form)))
    .action(async () => {
      const { listKeys } = await import('./keys-run.ts');
      await listKeys(
        terminal,
        existing(fileOf(terminal, given.file)),
        given.format ?? (terminal.isTerminal ? 'text' : 'json'),
      );
      onExit(exitCodes.ok);
    });
  return withManual(command, { exits, examples: listExamples });
};

const revoke: DefineCommand = (terminal, onExit) => {
  const given: { file?: string; id?: string } = {};
  const command = new Command('revoke')
    .summary('let nobody in with a key any more')
    .description('Marks a key as revoked. A running server takes it over within three seconds.')
    .usage('--id <id> [flags]')
    .addOption(fileFlag((file) => (given.file = file)))
    .addOption(flag('--id', 'id', 'the key', keyId, (id) => (given.id = id)))
    .action(async () => {
      if (given.id === undefined) throw mistake('--id: missing: give the id of a key');
      const { revokeOne } = await import('./keys-run.ts');
      await revokeOne(terminal, existing(fileOf(terminal, given.file)), given.id);
      onExit(exitCodes.ok);
    });
  return withManual(command, { exits, examples: revokeExamples });
};

function fileFlag(take: (file: string) => void) {
  return flag('--file', 'file', 'the file of keys [AEGIS_API_KEYS_FILE]', path, take);
}

function fileOf({ env }: Terminal, given: string | undefined): string {
  const { AEGIS_API_KEYS_FILE: told = '' } = env;
  const file = given ?? told;
  if (file === '') throw mistake('--file: missing: give the file of keys, or set AEGIS_API_KEYS_FILE');
  return file;
}

/** Only `create` makes a file: a name misspelled is no empty list. */
function existing(file: string): string {
  if (!existsSync(file)) throw mistake(`--file: ${JSON.stringify(file)}: there is no such file`);
  return file;
}

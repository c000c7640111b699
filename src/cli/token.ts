import { readFile } from 'node:fs/promises';
import type { Option } from 'commander';
import { isLoopback } from '../access/loopback.ts';
import { path, token as tokenText } from '../config/parsers.ts';
import { notAllowed, quoted } from '../config/usage.ts';
import { messageOf } from '../errors.ts';
import { flag } from './command.ts';
import type { Terminal } from './terminal.ts';

export function tokenFileFlag(take: (file: string) => void): Option {
  return flag('--token-file', 'file', 'file with the API key or OIDC token [AEGIS_TOKEN has it]', path, take);
}

/**
 * The token to ask with, if there is one: that of the file, else that of AEGIS_TOKEN. There is no flag for the token
 * itself, which every user of the machine could read. Says so where it would be sent for all to read.
 */
export async function tokenFor(
  { command, terminal, server }: { command: string; terminal: Terminal; server: URL },
  file: string | undefined,
): Promise<string | undefined> {
  const token = file === undefined ? fromEnvironment(terminal) : await fromFile(file);
  if (token !== undefined && server.protocol === 'http:' && !isLoopback(server.hostname))
    await terminal.err(
      `aegis ${command}: warning: the token is sent to ${server.host} without encryption: use an https:// server\n`,
    );
  return token;
}

function fromEnvironment({ env }: Terminal): string | undefined {
  const { AEGIS_TOKEN: told = '' } = env;
  if (told.trim() === '') return undefined;
  const token = tokenText.parse(told.trim());
  if (token === undefined) throw notAllowed('AEGIS_TOKEN', 'the value (not shown)', tokenText.allowed);
  return token;
}

async function fromFile(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw notAllowed('--token-file', quoted(file), `a readable file (${messageOf(error)})`);
  });
  const token = tokenText.parse(text.trim());
  if (token === undefined)
    throw notAllowed('--token-file', quoted(file), `a file with ${tokenText.allowed} (its content is not shown)`);
  return token;
}

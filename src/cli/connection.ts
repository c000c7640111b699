import type { Command } from 'commander';
import { defaultTimeoutMs, serverFlag, serverOf, timeoutFlag } from './server-flags.ts';
import type { Terminal } from './terminal.ts';
import { caFileFlag, certFileFlag, keyFileFlag, tlsFor, type ClientTls, type TlsFiles } from './tls-files.ts';
import { tokenFileFlag, tokenFor } from './token.ts';

/** How a server is asked: where it is, and who asks. */
export interface Connection {
  readonly server: URL;
  readonly token: string | undefined;
  readonly tls: ClientTls;
  readonly timeoutMs: number;
}

/** Adds the flags of a command that asks a server. The result reads them, and the variables beside them. */
export function connectionFlags(command: Command, terminal: Terminal): () => Promise<Connection> {
  const given: TlsFiles & { server?: URL; tokenFile?: string; timeoutMs: number } = { timeoutMs: defaultTimeoutMs };
  command
    .addOption(serverFlag((server) => (given.server = server)))
    .addOption(tokenFileFlag((file) => (given.tokenFile = file)))
    .addOption(caFileFlag(given))
    .addOption(certFileFlag(given))
    .addOption(keyFileFlag(given))
    .addOption(timeoutFlag((ms) => (given.timeoutMs = ms)));
  return async () => {
    const { server = serverOf(terminal), tokenFile, timeoutMs } = given;
    const token = await tokenFor({ command: command.name(), terminal, server }, tokenFile);
    return { server, token, tls: await tlsFor(terminal, given), timeoutMs };
  };
}

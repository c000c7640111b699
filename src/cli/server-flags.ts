import { Option } from 'commander';
import { duration, httpUrl, oneOf } from '../config/parsers.ts';
import { withoutSecrets } from '../config/url.ts';
import { notAllowed } from '../config/usage.ts';
import { flag } from './command.ts';
import type { Terminal } from './terminal.ts';

const defaultServer = 'http://127.0.0.1:8080';
export const defaultTimeoutMs = 15_000;

/** `--server`, for the commands that ask a server. */
export function serverFlag(take: (server: URL) => void): Option {
  return new Option('--server <url>', `where aegis-server is [${defaultServer}; AEGIS_SERVER]`).argParser(
    // Not by flag(): an error must not show the password that a URL may hold.
    (text) => take(parseServer('--server', text)),
  );
}

/** Where the server is when no flag says it. */
export function serverOf(terminal: Terminal): URL {
  const { AEGIS_SERVER: told = '' } = terminal.env;
  return told === '' ? new URL(defaultServer) : parseServer('AEGIS_SERVER', told);
}

export function timeoutFlag(take: (timeoutMs: number) => void): Option {
  return flag('--timeout', 'duration', 'how long to try for an answer [15s]', duration('100ms', '1h'), take);
}

export function formatFlag(fallback: string, take: (format: 'text' | 'json') => void): Option {
  return flag('--format', 'form', `text or json [${fallback}]`, oneOf('text', 'json'), take);
}

function parseServer(name: string, text: string): URL {
  const url = httpUrl.parse(text);
  if (url === undefined) throw notAllowed(name, JSON.stringify(withoutSecrets(text)), httpUrl.allowed);
  return url;
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { portOf } from '../support/exporter.ts';

/** The built program. */
export const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the built `aegis` as a process, without the variables of whoever runs the tests. */
export async function aegis(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const child = spawn(process.execPath, [cli, ...words], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (err += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
}

/** An `aegis` that goes on until it is told to stop. */
export interface Going {
  out(): string;
  err(): string;
  /** Whole lines of standard output, as JSON. */
  lines(): readonly Record<string, unknown>[];
  signal(name: NodeJS.Signals): void;
  /** Stops reading what it writes. */
  stopReading(): void;
  readonly ended: Promise<number | null>;
}

export function going(words: readonly string[], env: Readonly<Record<string, string>> = {}): Going {
  const child = spawn(process.execPath, [cli, ...words], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (err += chunk));
  return {
    out: () => out,
    err: () => err,
    lines: () =>
      out
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    signal: (name) => void child.kill(name),
    stopReading: () => child.stdout.destroy(),
    ended: once(child, 'close').then(([code]) => code as number | null),
  };
}

export interface Asked {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A real HTTP server that answers as it is told. */
export async function serve(answer: (asked: Asked, response: ServerResponse) => void, port = 0) {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const question = { method: request.method, url: request.url, headers: request.headers, body };
      asked.push(question);
      answer(question, response);
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const bound = portOf(server);
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { url: `http://127.0.0.1:${bound}`, port: bound, asked, close };
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

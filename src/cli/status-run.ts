import { systemClock } from '../clock.ts';
import { visible } from '../telemetry/visible.ts';
import { exitCodes, type ExitCode } from './command.ts';
import type { Connection } from './connection.ts';
import { jsonText } from './json-text.ts';
import { createServerClient } from './server-client.ts';
import { askStatus, longestStatusBytes, type StatusFilter } from './status-answer.ts';
import { shownServer, statusDocument, statusLines, type StatusView } from './status-report.ts';
import { watchStatus } from './status-watch.ts';
import { painter, type Terminal } from './terminal.ts';

export interface StatusOptions {
  readonly filter: StatusFilter;
  readonly format: 'text' | 'json';
  /** Between two rounds; undefined: once. */
  readonly watchMs: number | undefined;
}

/** Asks, prints and says with which code to exit. */
export async function runStatus(
  terminal: Terminal,
  connection: Connection,
  { filter, format, watchMs }: StatusOptions,
): Promise<ExitCode> {
  if (watchMs !== undefined) return watchStatus(terminal, connection, { filter, format, everyMs: watchMs });
  const { timeoutMs } = connection;
  const client = createServerClient({
    ...connection,
    longestAnswerBytes: longestStatusBytes,
    onRetry: (why) =>
      void terminal.err(`aegis status: ${visible(why)}; trying again for up to ${timeoutMs / 1000} s\n`),
  });
  const asked = await askStatus(client, filter).finally(() => client.close());
  const view: StatusView = {
    server: shownServer(connection.server),
    atMs: systemClock.now().wallMs,
    status: asked.kind === 'answer' ? asked.answer : null,
    elapsedMs: 0,
    silence: asked.kind === 'none' ? { why: asked.why, forMs: 0 } : null,
  };
  if (asked.kind === 'none') await terminal.err(`aegis status: no answer: ${visible(asked.why)}\n`);
  if (format === 'json') await terminal.out(`${jsonText(statusDocument(view), 2)}\n`);
  else if (asked.kind === 'answer') await terminal.out(`${statusLines(view, painter(terminal.colours)).join('\n')}\n`);
  return asked.kind === 'answer' ? exitCodes.ok : exitCodes.unknown;
}

import { visible } from '../telemetry/visible.ts';
import { followAudit } from './audit-follow.ts';
import { createTable, jsonLines } from './audit-report.ts';
import { longestPageBytes, readRows, type AuditQuestion, type AuditRow } from './audit-rows.ts';
import { exitCodes, type ExitCode } from './command.ts';
import type { Connection } from './connection.ts';
import { createServerClient } from './server-client.ts';
import { painter, type Terminal } from './terminal.ts';

export interface AuditOptions {
  readonly question: AuditQuestion;
  readonly format: 'text' | 'json';
  readonly follow: boolean;
}

/** Asks, prints and says with which code to exit. */
export async function runAudit(
  terminal: Terminal,
  connection: Connection,
  { question, format, follow }: AuditOptions,
): Promise<ExitCode> {
  const toLines = format === 'json' ? jsonLines : createTable(question.kind, painter(terminal.colours));
  const print = async (rows: readonly AuditRow[]) => {
    if (rows.length > 0) await terminal.out(`${toLines(rows).join('\n')}\n`);
  };
  const say = (line: string) => terminal.err(`aegis audit: ${visible(line)}\n`);
  if (follow) return followAudit(terminal, connection, { question, print, say });

  const { timeoutMs } = connection;
  const client = createServerClient({
    ...connection,
    longestAnswerBytes: longestPageBytes,
    onRetry: (why) => void say(`${why}; trying again for up to ${timeoutMs / 1000} s`),
  });
  let count = 0;
  const asked = await readRows(client, question, (rows) => {
    count += rows.length;
    return print(rows);
  }).finally(() => client.close());
  if (asked.kind === 'none') {
    await say(`no answer: ${asked.why}`);
    return exitCodes.unknown;
  }
  if (count === 0) await say(`there are no such ${question.kind}`);
  return exitCodes.ok;
}

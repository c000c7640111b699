import { visible } from '../telemetry/visible.ts';
import { version } from '../version.ts';
import type { ExitCode } from './command.ts';
import { exitCodes } from './command.ts';
import { evaluationRequest, longestEvidenceBytes } from './explain-evaluation.ts';
import type { Replayed } from './replay-report.ts';
import { isSame, jsonReplay, textReplay } from './replay-report.ts';
import { createServerClient } from './server-client.ts';
import type { Terminal } from './terminal.ts';
import type { ClientTls } from './tls-files.ts';
import { painter } from './terminal.ts';

export interface ReplayOptions {
  readonly evaluationId: string;
  readonly server: URL;
  readonly token: string | undefined;
  readonly tls: ClientTls;
  readonly format: 'text' | 'json';
  readonly timeoutMs: number;
}

/** Fetches the evidence, decides on it again, prints both and says with which code to exit. */
export async function runReplay(terminal: Terminal, options: ReplayOptions): Promise<ExitCode> {
  const { evaluationId, server, token, tls, format, timeoutMs } = options;
  const client = createServerClient({
    server,
    token,
    tls,
    timeoutMs,
    longestAnswerBytes: longestEvidenceBytes,
    onRetry: (why) =>
      void terminal.err(`aegis replay: ${visible(why)}; trying again for up to ${timeoutMs / 1000} s\n`),
  });
  const asked = await client.ask(evaluationRequest(evaluationId)).finally(() => client.close());
  const fail = async (why: string): Promise<ExitCode> => {
    await terminal.err(`aegis replay: nothing to decide on: ${visible(why)}\n`);
    return exitCodes.unknown;
  };
  if (asked.kind === 'none') return fail(asked.why);
  const { evidence, decision, reasons, sloId } = asked.answer;
  if ('why' in evidence) return fail(`${evaluationId}: ${evidence.why}`);
  const { result, softwareVersion } = evidence;
  const replayed: Replayed = {
    evaluationId,
    sloId,
    recorded: { decision, reasons, version: softwareVersion },
    replayed: { decision: result.decision, reasons: result.items.map((item) => item.reason), version },
  };
  await terminal.out(format === 'json' ? jsonReplay(replayed) : textReplay(replayed, painter(terminal.colours)));
  return isSame(replayed) ? exitCodes.ok : exitCodes.negative;
}

import { visible } from '../telemetry/visible.ts';
import type { ExitCode } from './command.ts';
import { exitCodes } from './command.ts';
import { evaluationRequest, longestEvidenceBytes } from './explain-evaluation.ts';
import type { RecordedEvaluation } from './explain-evaluation.ts';
import { jsonExplanation, textExplanation } from './explain-report.ts';
import type { GateAnswer } from './gate-answer.ts';
import { gateRequest } from './gate-request.ts';
import type { Asked, ServerClient } from './server-client.ts';
import { createServerClient } from './server-client.ts';
import type { Terminal } from './terminal.ts';
import type { ClientTls } from './tls-files.ts';
import { painter } from './terminal.ts';

export interface ExplainOptions {
  readonly about: { readonly sloId: string } | { readonly evaluationId: string };
  readonly server: URL;
  readonly token: string | undefined;
  readonly tls: ClientTls;
  readonly format: 'text' | 'json';
  readonly timeoutMs: number;
}

/** Asks, prints and says with which code to exit. */
export async function runExplain(terminal: Terminal, options: ExplainOptions): Promise<ExitCode> {
  const { about, server, token, tls, format, timeoutMs } = options;
  const client = createServerClient({
    server,
    token,
    tls,
    timeoutMs,
    longestAnswerBytes: longestEvidenceBytes,
    onRetry: (why) =>
      void terminal.err(`aegis explain: ${visible(why)}; trying again for up to ${timeoutMs / 1000} s\n`),
  });
  const asked = await ('sloId' in about ? latestOf(client, about.sloId) : recordOf(client, about.evaluationId)).finally(
    () => client.close(),
  );
  const fail = async (why: string): Promise<ExitCode> => {
    await terminal.err(`aegis explain: nothing to explain: ${visible(why)}\n`);
    return exitCodes.unknown;
  };
  if (asked.kind === 'none') return fail(asked.why);
  const { recorded, standing } = asked.answer;
  const { evidence } = recorded;
  if ('why' in evidence)
    return fail(
      `${recorded.evaluationId}: ${evidence.why}; it said ${recorded.decision}: ${recorded.reasons.join('; ')}`,
    );
  const explained = { recorded, evidence, standing };
  await terminal.out(
    format === 'json' ? jsonExplanation(explained) : textExplanation(explained, painter(terminal.colours)),
  );
  return exitCodes.ok;
}

interface Found {
  readonly recorded: RecordedEvaluation;
  readonly standing: GateAnswer | undefined;
}

async function recordOf(client: ServerClient, evaluationId: string): Promise<Asked<Found>> {
  const asked = await client.ask(evaluationRequest(evaluationId));
  if (asked.kind === 'none') return asked;
  return { kind: 'answer', answer: { recorded: asked.answer, standing: undefined } };
}

/** The next evaluation may take this one's place while its row waits to be written: then that one is explained. */
const mostTurns = 3;

async function latestOf(client: ServerClient, sloId: string): Promise<Asked<Found>> {
  for (let turn = 1; ; turn += 1) {
    const standing = await client.ask(gateRequest({ kind: 'slo', sloId, fresh: false }));
    if (standing.kind === 'none') return standing;
    const { evaluationID } = standing.answer.body;
    if (typeof evaluationID !== 'string')
      return { kind: 'none', why: `the server does not say which evaluation of ${sloId} its decision is from` };
    const recorded = await client.ask(evaluationRequest(evaluationID));
    if (recorded.kind === 'answer')
      return { kind: 'answer', answer: { recorded: recorded.answer, standing: standing.answer } };
    if (recorded.status !== 404 || turn === mostTurns) return recorded;
  }
}

import { visible } from '../telemetry/visible.ts';
import type { ExitCode } from './command.ts';
import { exitCodes } from './command.ts';
import type { GateAnswer, Question } from './gate-answer.ts';
import { nameOf } from './gate-answer.ts';
import { gateRequest } from './gate-request.ts';
import type { GateReport, GateResult } from './gate-report.ts';
import { jsonReport, reasonsOf, textReport } from './gate-report.ts';
import type { FailOn, Verdict } from './judge.ts';
import { holdReason, worstVerdict } from './judge.ts';
import type { Asked } from './server-client.ts';
import { createServerClient } from './server-client.ts';
import type { Terminal } from './terminal.ts';
import type { ClientTls } from './tls-files.ts';
import { painter } from './terminal.ts';

export interface GateOptions {
  readonly questions: readonly Question[];
  readonly server: URL;
  readonly token: string | undefined;
  readonly tls: ClientTls;
  readonly failOn: FailOn;
  readonly dryRun: boolean;
  readonly format: 'text' | 'json';
  readonly timeoutMs: number;
}

const exitCodeOf: Readonly<Record<Verdict, ExitCode>> = {
  goOn: exitCodes.ok,
  blocked: exitCodes.negative,
  noDecision: exitCodes.unknown,
};

/** Asks, prints and says with which code to exit. */
export async function runGate(terminal: Terminal, options: GateOptions): Promise<ExitCode> {
  const { questions, server, token, tls, failOn, dryRun, format, timeoutMs } = options;
  const client = createServerClient({
    server,
    token,
    tls,
    timeoutMs,
    longestAnswerBytes: 1024 * 1024,
    onRetry: (why) => void terminal.err(`aegis gate: ${visible(why)}; trying again for up to ${timeoutMs / 1000} s\n`),
  });
  const results = await Promise.all(
    questions.map(async (question) => resultOf(nameOf(question), await client.ask(gateRequest(question)), failOn)),
  ).finally(() => client.close());
  const verdict = worstVerdict(results.map((result) => result.verdict));
  const exitCode = exitCodeOf[verdict];
  const report: GateReport = { verdict, exitCode, failOn, dryRun, results };
  for (const line of complaints(report, format)) await terminal.err(`aegis gate: ${visible(line)}\n`);
  await terminal.out(format === 'json' ? jsonReport(report) : textReport(report, painter(terminal.colours)));
  return dryRun ? exitCodes.ok : exitCode;
}

function resultOf(name: string, asked: Asked<GateAnswer>, failOn: FailOn): GateResult {
  if (asked.kind === 'none') return { name, verdict: 'noDecision', why: asked.why };
  const why = holdReason(asked.answer, failOn);
  const { answer } = asked;
  return why === null ? { name, verdict: 'goOn', answer } : { name, verdict: 'blocked', answer, why };
}

/** What goes to standard error: what could not be asked, and beside JSON, which nobody reads in a CI log, what holds. */
function complaints({ results }: GateReport, format: 'text' | 'json'): readonly string[] {
  return results.flatMap((result) => {
    if (result.verdict === 'noDecision') return [`no decision for ${result.name}: ${result.why}`];
    if (result.verdict === 'goOn' || format === 'text') return [];
    return [`blocked: ${result.name}: ${result.why}: ${reasonsOf(result.answer)[0] ?? 'no reason given'}`];
  });
}

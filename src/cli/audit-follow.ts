import { setTimeout as sleep } from 'node:timers/promises';
import { keyOf, longestPageBytes, readRows, type AuditQuestion, type AuditRow } from './audit-rows.ts';
import { exitCodes, type ExitCode } from './command.ts';
import type { Connection } from './connection.ts';
import { createServerClient } from './server-client.ts';
import type { Terminal } from './terminal.ts';

export interface FollowOptions {
  readonly question: AuditQuestion;
  readonly print: (rows: readonly AuditRow[]) => Promise<void>;
  readonly say: (line: string) => Promise<void>;
}

const pollMs = 1000;
/** We ask for no more than a fifth of a server's time. */
const restPerWork = 4;
/**
 * Rows stand in the order of their instants, and are committed in the order in which their evaluations ended, all later
 * where the database was locked. So what is asked for begins this long before the newest row that is stored: longer than
 * an evaluation may take, and than the clocks of two servers on one database may differ.
 */
const overlapMs = 120_000;
/** In one round, and so in memory. */
const mostRows = 200_000;

/**
 * Prints the last rows, and from then on each new one, once, in the order in which they become known. A server that
 * goes away is waited for. Ends with 0 when somebody has enough.
 */
export async function followAudit(
  terminal: Terminal,
  connection: Connection,
  { question, print, say }: FollowOptions,
): Promise<ExitCode> {
  const signal = terminal.untilInterrupted();
  const isOver = () => signal.aborted;
  const shown = createShown(question);
  let trouble: string | undefined;
  const complain = (why: string) => {
    if (trouble !== why) void say(`${why}; going on when it answers`);
    trouble = why;
  };
  const ask = async (asked: AuditQuestion) => {
    const client = createServerClient({ ...connection, longestAnswerBytes: longestPageBytes, onRetry: complain });
    const giveUp = () => void client.close();
    signal.addEventListener('abort', giveUp, { once: true });
    const rows: AuditRow[] = [];
    const answer = await readRows(client, asked, (page) => void rows.push(...page)).finally(() => client.close());
    signal.removeEventListener('abort', giveUp);
    return answer.kind === 'none' ? answer : { kind: 'rows' as const, rows, ...answer.answer };
  };

  // By what is stored at all, not by what is meant: where rows are rare, their last one is long ago.
  const { sloID } = question.filters;
  const newest = { ...question, filters: sloID === undefined ? {} : { sloID }, limit: 1 };
  const first = await ask(newest);
  if (first.kind === 'rows') shown.reached(first.rows);
  // What is there already and is not among the last rows is not new when it is met again.
  const before = first.kind === 'none' ? first : await ask(shown.next());
  if (before.kind === 'rows') shown.add(first.kind === 'rows' && first.rows.length === 0 ? [] : before.rows);
  const last = before.kind === 'none' ? before : await ask(question);
  if (isOver()) return exitCodes.ok;
  if (last.kind === 'none') {
    await say(`no answer: ${last.why}`);
    return exitCodes.unknown;
  }
  shown.add(last.rows);
  await print(last.rows.toReversed());

  while (!isOver()) {
    const startedMs = performance.now();
    const reached = await ask(newest);
    const asked = reached.kind === 'none' ? reached : await ask(shown.next());
    if (isOver()) break;
    if (asked.kind === 'none') complain(asked.why);
    else {
      if (trouble !== undefined) await say('the server answers again');
      trouble = undefined;
      if (!asked.isWhole && asked.rows.length >= mostRows)
        await say(`more than ${mostRows} rows came at once: the oldest of them are not shown`);
      await print(shown.add(asked.rows));
      if (reached.kind === 'rows') shown.reached(reached.rows);
    }
    const tookMs = performance.now() - startedMs;
    await sleep(Math.max(pollMs, restPerWork * tookMs), undefined, { signal }).catch(() => undefined);
  }
  return exitCodes.ok;
}

/** What was shown of the stretch of time that is asked for again and again. */
function createShown(question: AuditQuestion) {
  const instants = new Map<string, number>();
  let newestMs = -Infinity;
  const floorMs = () => Math.max(newestMs - overlapMs, question.sinceMs ?? -Infinity);

  const reached = (rows: readonly AuditRow[]): void => {
    // A row of a clock that was ahead must not hide all that come.
    const nowMs = Date.now();
    for (const { timestamp } of rows) newestMs = Math.max(newestMs, Math.min(Date.parse(timestamp), nowMs));
  };

  /** Those that were not shown, oldest first. */
  const add = (rows: readonly AuditRow[]): readonly AuditRow[] => {
    const fresh = rows.filter((row) => {
      const key = keyOf(row, question.kind);
      if (instants.has(key)) return false;
      instants.set(key, Date.parse(row.timestamp));
      return true;
    });
    reached(fresh);
    for (const [key, ms] of instants) if (ms < floorMs()) instants.delete(key);
    return fresh.toReversed();
  };

  const next = (): AuditQuestion => {
    const sinceMs = floorMs();
    return { ...question, limit: mostRows, ...(Number.isFinite(sinceMs) && { sinceMs }) };
  };

  return { reached, add, next };
}

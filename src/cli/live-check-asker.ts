import type { LiveAnswer, LiveSource } from '../adapter/prometheus/live/source.ts';

/** Asks within the bounds of one check, each query once. */
export interface Asker {
  /** undefined: not asked, because a bound is reached or the server is gone. */
  query(promql: string): Promise<LiveAnswer | undefined>;
  all(expressions: Readonly<Record<string, string>>): Promise<LiveAnswer | undefined>;
  /** Why nothing is asked any more. */
  ended(): Ended | undefined;
  requests(): number;
}

/** `unusable`: what was not asked could not be, because of the server; `bound`: because of our bound. */
export interface Ended {
  readonly cause: 'unusable' | 'bound';
  readonly detail: string;
}

/** Of one check of a directory. A query's own bound is a setting. */
const mostRequests = 5_000;
export const longestCheckMs = 300_000;

export function createAsker(source: LiveSource, atMs: number, signal: AbortSignal): Asker {
  const known = new Map<string, Promise<LiveAnswer | undefined>>();
  let ended: Ended | undefined;
  let requests = 0;
  let answered = 0;

  async function once(ask: () => Promise<LiveAnswer>): Promise<LiveAnswer | undefined> {
    if (signal.aborted) ended ??= { cause: 'bound', detail: `the check takes longer than ${longestCheckMs / 60_000}m` };
    if (requests >= mostRequests)
      ended ??= { cause: 'bound', detail: `the check takes more than ${mostRequests} requests` };
    if (ended !== undefined) return undefined;
    requests += 1;
    const answer = await ask();
    if (answer.kind === 'answer') answered += 1;
    else if (isOfServer(answer.failure.reason, answered)) {
      ended ??= { cause: 'unusable', detail: answer.failure.detail };
      return undefined;
    }
    return answer;
  }

  const remembered = (key: string, ask: () => Promise<LiveAnswer>) => {
    const before = known.get(key);
    if (before !== undefined) return before;
    const asked = once(ask);
    known.set(key, asked);
    return asked;
  };

  return {
    query: (promql) => remembered(`query ${promql}`, () => source.askQuery(promql, atMs, signal)),
    all: (expressions) =>
      remembered(`all ${JSON.stringify(expressions)}`, () => source.askAll(expressions, atMs, signal)),
    ended: () => ended,
    requests: () => requests,
  };
}

/** Whether a failure says something of the server and nothing of the query, so that asking on helps nobody. */
function isOfServer(reason: string, answeredBefore: number): boolean {
  if (reason === 'unreachable' || reason === 'auth' || reason === 'rate-limited') return true;
  // A server that has answered nothing yet may be none: a proxy's page, another API.
  return answeredBefore === 0 && (reason === 'server' || reason === 'malformed');
}

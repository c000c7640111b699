import { Type, type Static } from 'typebox';
import { decisions, type Decision } from '../slo/decision.ts';
import { readAs } from './read-as.ts';
import type { Asked, ServerClient } from './server-client.ts';

const TextOrNull = Type.Union([Type.String(), Type.Null()]);
const NumberOrNull = Type.Union([Type.Number(), Type.Null()]);

const Listed = Type.Object({
  sloID: Type.String(),
  service: Type.String(),
  environment: Type.String(),
  decision: Type.Enum([...decisions]),
  reasons: Type.Array(Type.String()),
  reasonCodes: Type.Array(Type.String()),
  triggeredRules: Type.Array(Type.String()),
  budgetRemaining: NumberOrNull,
  ttl: Type.Number(),
  evaluationID: TextOrNull,
  timestamp: TextOrNull,
  age: NumberOrNull,
});
const Page = Type.Object({ decisions: Type.Array(Listed), nextCursor: TextOrNull });
const Readiness = Type.Object({
  ready: Type.Boolean(),
  reasons: Type.Optional(Type.Array(Type.String())),
  role: Type.Optional(Type.String()),
});
const About = Type.Object({ version: Type.String(), adapter: Type.String() });

/** One SLO as the server told it. */
export type ListedSlo = Static<typeof Listed>;

/** A server with its SLOs, as it told them; what it did not tell is null. */
export interface ServerStatus {
  readonly slos: readonly ListedSlo[];
  readonly readiness: Static<typeof Readiness> | null;
  /** Not for a key that may not read. */
  readonly about: Static<typeof About> | null;
}

export interface StatusFilter {
  readonly service?: string;
  readonly environment?: string;
  readonly decision?: Decision;
}

const pageRows = 1000;
/** More SLOs than any server runs: an answer that never ends is none. */
const mostPages = 100;
/** A thousand SLOs with several reasons each. */
export const longestStatusBytes = 16 * 1024 * 1024;

export async function askStatus(client: ServerClient, filter: StatusFilter): Promise<Asked<ServerStatus>> {
  const [slos, readiness, about] = await Promise.all([
    askSlos(client, filter),
    client.ask({ method: 'GET', path: '/readyz', alsoAnswers: 503, what: 'readiness', read: readAs(Readiness) }),
    client.ask({ method: 'GET', path: '/v1/status', what: 'status', read: readAs(About) }),
  ]);
  if (slos.kind === 'none') return slos;
  const known = <T>(asked: Asked<T>) => (asked.kind === 'answer' ? asked.answer : null);
  return { kind: 'answer', answer: { slos: slos.answer, readiness: known(readiness), about: known(about) } };
}

async function askSlos(client: ServerClient, filter: StatusFilter): Promise<Asked<readonly ListedSlo[]>> {
  const slos: ListedSlo[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < mostPages; page += 1) {
    const asked: Asked<Static<typeof Page>> = await askPage(client, filter, cursor);
    if (asked.kind === 'none') return asked;
    slos.push(...asked.answer.decisions);
    cursor = asked.answer.nextCursor;
    if (cursor === null) return { kind: 'answer', answer: slos };
  }
  return { kind: 'none', why: `the list of decisions has no end after ${slos.length} SLOs` };
}

function askPage(client: ServerClient, filter: StatusFilter, cursor: string | null) {
  const query = new URLSearchParams({ ...filter, limit: String(pageRows), ...(cursor !== null && { cursor }) });
  const path = `/v1/decisions?${query.toString()}`;
  return client.ask({ method: 'GET', path, what: 'list of decisions', read: readAs(Page) });
}

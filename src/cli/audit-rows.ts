import { Type, type Static } from 'typebox';
import { readAs } from './read-as.ts';
import type { Asked, ServerClient } from './server-client.ts';

const Row = Type.Object({
  id: Type.Union([Type.String(), Type.Number()]),
  timestamp: Type.String(),
  evaluationID: Type.Optional(Type.Union([Type.String(), Type.Null()])),
});
const Page = Type.Object({
  records: Type.Array(Row),
  nextCursor: Type.Union([Type.String(), Type.Null()]),
});

/** One row of the audit: what we have to know of it, and all that the server sent beside it. */
export type AuditRow = Static<typeof Row>;

export type AuditKind = 'evaluations' | 'decisions' | 'orders';

export interface AuditQuestion {
  readonly kind: AuditKind;
  /** Parameters of the list, by their names in the API. */
  readonly filters: Partial<Record<'sloID' | 'service' | 'environment' | 'decision' | 'caller', string>>;
  readonly sinceMs?: number;
  readonly untilMs?: number;
  readonly limit: number;
}

const paths: Readonly<Record<AuditKind, string>> = {
  evaluations: '/v1/audit',
  decisions: '/v1/audit/decisions',
  orders: '/v1/audit/orders',
};

const pageRows = 1000;
/** A thousand evaluations of SLOs with fifty rules. */
export const longestPageBytes = 32 * 1024 * 1024;

/** What tells a row from every other one. An evaluation of the Go original has no id but its number in the table. */
export function keyOf({ id, evaluationID }: AuditRow, kind: AuditKind): string {
  return kind === 'evaluations' && typeof evaluationID === 'string' ? evaluationID : String(id);
}

/** The newest rows, newest first, page by page, until there are `limit`. Each page is given to `take` as it comes. */
export async function readRows(
  client: ServerClient,
  { kind, filters, sinceMs, untilMs, limit }: AuditQuestion,
  take: (rows: readonly AuditRow[]) => void | Promise<void>,
): Promise<Asked<{ readonly isWhole: boolean }>> {
  let cursor: string | null = null;
  for (let left = limit; left > 0;) {
    const query = new URLSearchParams({
      ...filters,
      ...(sinceMs !== undefined && { startTime: new Date(sinceMs).toISOString() }),
      ...(untilMs !== undefined && { endTime: new Date(untilMs).toISOString() }),
      limit: String(Math.min(left, pageRows)),
      ...(cursor !== null && { cursor }),
    });
    const asked: Asked<Static<typeof Page>> = await askPage(client, `${paths[kind]}?${query.toString()}`);
    if (asked.kind === 'none') return asked;
    const { records, nextCursor } = asked.answer;
    await take(records);
    if (nextCursor === null) return { kind: 'answer', answer: { isWhole: true } };
    cursor = nextCursor;
    left -= records.length;
  }
  return { kind: 'answer', answer: { isWhole: false } };
}

function askPage(client: ServerClient, path: string) {
  return client.ask({ method: 'GET', path, what: 'page of the audit', read: readAs(Page) });
}

import type { FastifyReply, RouteOptions } from 'fastify';

/** The headers of every answer of this API; pages have more (openapi.ts). */
const everywhere = {
  'x-request-id': { type: 'string', description: "The request's own, or one of ours; as in the log." },
  'x-content-type-options': { type: 'string', const: 'nosniff' },
  'cache-control': { type: 'string', const: 'no-store', description: 'A decision is of its moment.' },
} as const;

/** On the reply, not on the raw response: headers of both kinds together cost Node a copy of all. */
export function setHeaders(reply: FastifyReply, requestId: string): void {
  reply.header('x-request-id', requestId);
  reply.header('x-content-type-options', everywhere['x-content-type-options'].const);
  reply.header('cache-control', everywhere['cache-control'].const);
}

/** The same of an answer whose text is written already, as Node takes them fastest: names and values by turns. */
export function textHeaders(requestId: string, bytes: number): string[] {
  return [
    'x-request-id',
    requestId,
    'x-content-type-options',
    everywhere['x-content-type-options'].const,
    'cache-control',
    everywhere['cache-control'].const,
    'content-type',
    'application/json; charset=utf-8',
    'content-length',
    String(bytes),
  ];
}

/** Adds them to each answer that a route's description promises, beside those that the answer has of its own. */
export function describeHeaders(route: Pick<RouteOptions, 'schema'>): void {
  const { schema } = route;
  if (typeof schema?.response !== 'object' || schema.response === null) return;
  const answers = Object.entries(schema.response).map(([status, answer]: [string, unknown]) => [
    status,
    typeof answer === 'object' ? { ...answer, headers: { ...everywhere, ...ownHeaders(answer) } } : answer,
  ]);
  route.schema = { ...schema, response: Object.fromEntries(answers) };
}

function ownHeaders(answer: object | null): object {
  return answer !== null && 'headers' in answer && typeof answer.headers === 'object' ? (answer.headers ?? {}) : {};
}

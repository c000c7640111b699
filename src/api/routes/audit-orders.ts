import { Type } from 'typebox';
import type { Api, ApiDeps } from '../deps.ts';
import { failure, Timestamp } from '../schemas.ts';
import { sendPage } from '../send-page.ts';
import { nameParameter, pageFilter, pageOf, pageParameters } from './audit-query.ts';

const OrdersQuery = Type.Object(
  { caller: Type.Optional(nameParameter), ...pageParameters },
  { additionalProperties: false },
);

const Page = pageOf(
  'A page of orders.',
  Type.Object({
    id: Type.String(),
    timestamp: Timestamp,
    order: Type.String({ description: 'Method and path.' }),
    parameters: Type.Record(Type.String(), Type.String()),
    outcome: Type.String({ description: 'What came of it, in a sentence.' }),
    caller: Type.String({ description: 'Id of a key, subject of a token, or `admin-socket`.' }),
    address: Type.String(),
    requestId: Type.String({ description: 'As in the header X-Request-Id and in the log.' }),
  }),
);

/**
 * `GET /v1/audit/orders`: what operators ordered. To be read with the scope `read`, as the rest of the audit: who looks
 * into what was done to the gate needs no power over it, and there is no secret in an order.
 */
export function auditOrdersRoute(app: Api, { activity }: Pick<ApiDeps, 'activity'>): void {
  app.route({
    method: 'GET',
    url: '/v1/audit/orders',
    config: { access: ['read'], work: 'audit' },
    schema: {
      operationId: 'listOrders',
      summary: 'Orders to the running server, newest first',
      description: 'Times are inclusive. `limit` is 100 unless given. A parameter that cannot be read is an error.',
      tags: ['audit'],
      querystring: OrdersQuery,
      response: { 200: Page, 400: failure[400], 500: failure[500], 503: failure[503] },
    },
    handler: async ({ query }, reply) => {
      const { caller } = query;
      const page = await activity.orders({ ...pageFilter(query), ...(caller !== undefined && { caller }) });
      return sendPage(reply, page, activity.giveBack);
    },
  });
}

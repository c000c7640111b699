import { Type } from 'typebox';
import type { Api, ApiDeps } from '../deps.ts';
import { DecisionSchema, failure, Timestamp } from '../schemas.ts';
import { sendPage } from '../send-page.ts';
import { refuseOtherRecords } from '../slo-sight.ts';
import { decisionFilter, decisionParameters, pageFilter, pageOf, pageParameters } from './audit-query.ts';

const DecisionsQuery = Type.Object({ ...decisionParameters, ...pageParameters }, { additionalProperties: false });

const Page = pageOf(
  'A page of decisions as they were answered. Answers of a quarter of a second that differ in nothing but their request are one record.',
  Type.Object({
    id: Type.String(),
    timestamp: Timestamp,
    sloID: Type.String(),
    decision: DecisionSchema,
    evaluationID: Type.String({ description: 'Its evidence is at `/v1/evaluations/{id}`.' }),
    forced: Type.Boolean({ description: 'Asked for with `forceFresh`.' }),
    caller: Type.String({ description: 'Id of a key, subject of a token; `anonymous` where none is asked for.' }),
    address: Type.String(),
    requestId: Type.String({ description: 'As in the header X-Request-Id and in the log; of the first answer.' }),
    count: Type.Number({ description: 'How many answers this record stands for.' }),
    lastTimestamp: Timestamp,
    requestIds: Type.Array(Type.String(), { description: 'Of each answer, in their order.' }),
    offsetsMs: Type.Array(Type.Number(), { description: 'Of each answer, milliseconds after `timestamp`.' }),
  }),
);

/** `GET /v1/audit/decisions`: who was told what, from which evaluation. */
export function auditDecisionsRoute(app: Api, { activity, catalogue }: Pick<ApiDeps, 'activity' | 'catalogue'>): void {
  app.route({
    method: 'GET',
    url: '/v1/audit/decisions',
    config: { access: ['read'], perSlo: true, work: 'audit' },
    schema: {
      operationId: 'listDecisions',
      summary: 'Decisions as they were answered, newest first',
      description: 'Times are inclusive. `limit` is 100 unless given. A parameter that cannot be read is an error.',
      tags: ['audit'],
      querystring: DecisionsQuery,
      response: { 200: Page, 400: failure[400], 500: failure[500], 503: failure[503] },
    },
    handler: async (request, reply) => {
      const { query } = request;
      refuseOtherRecords(request, catalogue.current(), query.sloID);
      const page = await activity.decisions({ ...pageFilter(query), ...decisionFilter(query) });
      return sendPage(reply, page, activity.giveBack);
    },
  });
}

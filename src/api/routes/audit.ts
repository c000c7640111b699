import { Type } from 'typebox';
import type { Api, ApiDeps } from '../deps.ts';
import { BurnRates, DecisionSchema, failure, NumberOrNull, ReasonCodes, StringOrNull, Timestamp } from '../schemas.ts';
import { auditFilter, AuditQuery } from './audit-query.ts';

const Page = Type.Unsafe<Uint8Array>(
  Type.Object(
    {
      records: Type.Array(
        Type.Object({
          id: Type.Number(),
          evaluationID: StringOrNull,
          sloID: Type.String(),
          service: Type.String(),
          environment: Type.String(),
          decision: DecisionSchema,
          sli: Type.Union([Type.Number(), Type.Null()], { description: 'null: failed, or without data.' }),
          errorRate: NumberOrNull,
          budgetRemaining: NumberOrNull,
          isStale: Type.Boolean(),
          hasNoTraffic: Type.Boolean(),
          reasons: Type.Array(Type.String()),
          reasonCodes: ReasonCodes,
          burnRates: BurnRates,
          timestamp: Timestamp,
          createdAt: Timestamp,
        }),
        { description: 'Newest first.' },
      ),
      total: Type.Number({ description: 'Number of records in this answer.' }),
      nextCursor: Type.Union([Type.String(), Type.Null()], { description: 'null on the last page.' }),
    },
    { description: 'A page of evaluations.' },
  ),
);

export function auditRoutes(app: Api, { audit }: Pick<ApiDeps, 'audit'>): void {
  app.route({
    method: 'GET',
    url: '/v1/audit',
    config: { access: ['read'], work: 'audit' },
    schema: {
      operationId: 'listEvaluations',
      summary: 'Evaluations, newest first',
      description: 'Times are inclusive. `limit` is 100 unless given. A parameter that cannot be read is an error.',
      tags: ['audit'],
      querystring: AuditQuery,
      response: { 200: Page, 400: failure[400], 500: failure[500], 503: failure[503] },
    },
    handler: async ({ query }, reply) => {
      const page = await audit.page(auditFilter(query)); // JSON already
      return reply.type('application/json; charset=utf-8').send(page);
    },
  });
}

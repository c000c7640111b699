import { Type, type Static } from 'typebox';
import { AegisError } from '../../errors.ts';
import type { AuditFilter } from '../../storage/ports.ts';
import { sendPage } from '../send-page.ts';
import { refuseOtherRecords } from '../slo-sight.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { BurnRates, DecisionSchema, failure, NumberOrNull, ReasonCodes, StringOrNull, Timestamp } from '../schemas.ts';
import { evaluationFilter, evaluationParameters, pageFilter, pageOf, pageParameters } from './audit-query.ts';

const AuditQuery = Type.Object(
  {
    ...evaluationParameters,
    startTime: pageParameters.startTime,
    endTime: pageParameters.endTime,
    limit: pageParameters.limit,
    offset: Type.Optional(
      Type.String({ pattern: '^(?:0|[1-9][0-9]{0,8})$', description: 'a whole number from 0 to 999999999' }),
    ),
    cursor: pageParameters.cursor,
  },
  { additionalProperties: false },
);

const Page = pageOf(
  'A page of evaluations.',
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
);

export function auditRoutes(app: Api, { audit, catalogue }: Pick<ApiDeps, 'audit' | 'catalogue'>): void {
  app.route({
    method: 'GET',
    url: '/v1/audit',
    config: { access: ['read'], perSlo: true, work: 'audit' },
    schema: {
      operationId: 'listEvaluations',
      summary: 'Evaluations, newest first',
      description: 'Times are inclusive. `limit` is 100 unless given. A parameter that cannot be read is an error.',
      tags: ['audit'],
      querystring: AuditQuery,
      response: { 200: Page, 400: failure[400], 500: failure[500], 503: failure[503] },
    },
    handler: async (request, reply) => {
      const { query } = request;
      refuseOtherRecords(request, catalogue.current(), query.sloID);
      const page = await audit.page(auditFilter(query));
      return sendPage(reply, page, audit.giveBack);
    },
  });
}

function auditFilter(query: Static<typeof AuditQuery>): AuditFilter {
  const { offset, cursor } = query;
  if (offset !== undefined && cursor !== undefined) {
    throw new AegisError('invalid_request', 'offset and cursor exclude each other: give one of them');
  }
  return {
    ...pageFilter(query),
    ...evaluationFilter(query),
    ...(offset !== undefined && { offset: Number(offset) }),
  };
}

import type { Readable } from 'node:stream';
import { Type } from 'typebox';
import { exportForms } from '../../storage/ports.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { sendExport } from '../export-stream.ts';
import { failure } from '../schemas.ts';
import { refuseOtherRecords } from '../slo-sight.ts';
import {
  decisionFilter,
  decisionParameters,
  evaluationFilter,
  evaluationParameters,
  nameParameter,
  pageParameters,
  rangeFilter,
} from './audit-query.ts';

const exportParameters = {
  startTime: pageParameters.startTime,
  endTime: pageParameters.endTime,
  cursor: Type.Optional(
    Type.String({ minLength: 1, maxLength: 512, description: 'the cursor of a line of an earlier export' }),
  ),
  format: Type.Optional(Type.Enum([...exportForms], { description: 'jsonl or csv' })),
};
const strict = { additionalProperties: false };
const EvaluationsQuery = Type.Object({ ...evaluationParameters, ...exportParameters }, strict);
const DecisionsQuery = Type.Object({ ...decisionParameters, ...exportParameters }, strict);
const OrdersQuery = Type.Object({ caller: Type.Optional(nameParameter), ...exportParameters }, strict);

const description = `All of them, the first written first, as a stream. Each line has its \`cursor\`; with \`cursor\` an
export goes on behind the line that has it, without the head line of a CSV. One that was cut off ends without the end of
its answer. Cells of a CSV that a spreadsheet would take for a formula have a \`'\` before them.`;

const answers = (what: string) => ({
  200: {
    description: what,
    content: {
      'application/x-ndjson': { schema: Type.Unsafe<Readable>(Type.String()) },
      'text/csv': { schema: Type.Unsafe<Readable>(Type.String()) },
    },
  },
  ...{ 400: failure[400], 500: failure[500], 503: failure[503] },
});

type Deps = Pick<ApiDeps, 'exporter' | 'catalogue' | 'log'>;

/** `GET /v1/audit/export`, and the same for served decisions and for orders. */
export function auditExportRoutes(app: Api, deps: Deps): void {
  exportEvaluations(app, deps);
  exportDecisions(app, deps);
  exportOrders(app, deps);
}

function exportEvaluations(app: Api, { exporter, catalogue, log }: Deps): void {
  app.route({
    method: 'GET',
    url: '/v1/audit/export',
    config: { access: ['read'], perSlo: true, work: 'export' },
    schema: {
      operationId: 'exportEvaluations',
      summary: 'Evaluations as JSON Lines or CSV',
      ...{ description, tags: ['audit'] },
      querystring: EvaluationsQuery,
      response: answers('Evaluations, with the fields of `/v1/audit`.'),
    },
    handler: async (request, reply) => {
      const { query } = request;
      refuseOtherRecords(request, catalogue.current(), query.sloID);
      const { cursor, ...range } = rangeFilter(query);
      const filter = { ...range, ...evaluationFilter(query) };
      const form = query.format ?? 'jsonl';
      const read = (from?: string) => exporter.evaluations({ ...filter, ...behind(from) }, form);
      return sendExport({ request, reply, log, form, cursor, read });
    },
  });
}

function exportDecisions(app: Api, { exporter, catalogue, log }: Deps): void {
  app.route({
    method: 'GET',
    url: '/v1/audit/decisions/export',
    config: { access: ['read'], perSlo: true, work: 'export' },
    schema: {
      operationId: 'exportDecisions',
      summary: 'Decisions as they were answered, as JSON Lines or CSV',
      ...{ description, tags: ['audit'] },
      querystring: DecisionsQuery,
      response: answers('Decisions, with the fields of `/v1/audit/decisions`.'),
    },
    handler: async (request, reply) => {
      const { query } = request;
      refuseOtherRecords(request, catalogue.current(), query.sloID);
      const { cursor, ...range } = rangeFilter(query);
      const filter = { ...range, ...decisionFilter(query) };
      const form = query.format ?? 'jsonl';
      const read = (from?: string) => exporter.decisions({ ...filter, ...behind(from) }, form);
      return sendExport({ request, reply, log, form, cursor, read });
    },
  });
}

function exportOrders(app: Api, { exporter, log }: Deps): void {
  app.route({
    method: 'GET',
    url: '/v1/audit/orders/export',
    config: { access: ['read'], work: 'export' },
    schema: {
      operationId: 'exportOrders',
      summary: 'Orders as JSON Lines or CSV',
      ...{ description, tags: ['audit'] },
      querystring: OrdersQuery,
      response: answers('Orders, with the fields of `/v1/audit/orders`.'),
    },
    handler: async (request, reply) => {
      const { caller, format: form = 'jsonl', ...query } = request.query;
      const { cursor, ...range } = rangeFilter(query);
      const filter = { ...range, ...(caller !== undefined && { caller }) };
      const read = (from?: string) => exporter.orders({ ...filter, ...behind(from) }, form);
      return sendExport({ request, reply, log, form, cursor, read });
    },
  });
}

function behind(cursor: string | undefined): { readonly cursor?: string } {
  return cursor === undefined ? {} : { cursor };
}

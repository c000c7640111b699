import { Type } from 'typebox';
import type { Api, ApiDeps } from '../deps.ts';
import { failure } from '../schemas.ts';

export function metricsRoute(app: Api, { metrics }: Pick<ApiDeps, 'metrics'>): void {
  if (metrics === undefined) return;
  app.route({
    method: 'GET',
    url: '/metrics',
    config: { access: 'metrics', work: 'metrics' },
    schema: {
      operationId: 'getMetrics',
      summary: 'Metrics in the Prometheus text format',
      tags: ['operations'],
      response: {
        200: {
          description: 'Prometheus text format',
          content: { 'text/plain': { schema: Type.String() } },
        },
        500: failure[500],
      },
    },
    handler: async (_request, reply) => {
      const { contentType, body } = await metrics.text();
      return reply.type(contentType).send(body);
    },
  });
}

import { Type } from 'typebox';
import type { Api, ApiDeps } from '../deps.ts';
import { paced } from '../paced.ts';
import { failure } from '../schemas.ts';

export function metricsRoute(app: Api, { metrics, clock }: Pick<ApiDeps, 'metrics' | 'clock'>): void {
  if (metrics === undefined) return;
  // Ten thousand SLOs are 17 MB of text: the same bytes for all who wait.
  const text = paced(() => metrics.text(), clock);
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
          content: { 'text/plain': { schema: Type.Unsafe<Uint8Array>(Type.String()) } },
        },
        500: failure[500],
      },
    },
    handler: async (_request, reply) => {
      const { contentType, body } = await text();
      // In one piece: what a stream has not written yet is not among the bytes that wait for their readers (readers.ts).
      return reply.type(contentType).send(body);
    },
  });
}

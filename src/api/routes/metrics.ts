import { Type } from 'typebox';
import type { Api, ApiDeps } from '../deps.ts';
import { paced } from '../paced.ts';
import { failure } from '../schemas.ts';

export function metricsRoute(app: Api, { metrics, clock }: Pick<ApiDeps, 'metrics' | 'clock'>): void {
  if (metrics === undefined) return;
  // Two thousand SLOs are 2 MB of text, made in 150 ms in which nothing else is answered.
  const text = paced(async () => {
    const { contentType, body } = await metrics.text();
    return { contentType, body: Buffer.from(body) }; // the same bytes for all who wait
  }, clock);
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
      return reply.type(contentType).send(body);
    },
  });
}

import { Readable } from 'node:stream';
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
          content: { 'text/plain': { schema: Type.Unsafe<Readable>(Type.String()) } },
        },
        500: failure[500],
      },
    },
    handler: async (_request, reply) => {
      const { contentType, parts } = await text();
      const bytes = parts.reduce((sum, part) => sum + part.length, 0);
      return reply.type(contentType).header('content-length', bytes).send(Readable.from(parts));
    },
  });
}

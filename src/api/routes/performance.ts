import type { Api, ApiDeps } from '../deps.ts';
import { PerformanceSchema } from '../performance-report.ts';
import { failure } from '../schemas.ts';

export function performanceRoute(app: Api, { metrics }: Pick<ApiDeps, 'metrics'>): void {
  if (metrics === undefined) return;
  app.route({
    method: 'GET',
    url: '/metrics/performance',
    config: { access: ['read'], work: 'metrics' },
    schema: {
      operationId: 'getPerformance',
      summary: 'How fast requests are answered and SLOs evaluated',
      tags: ['operations'],
      response: { 200: PerformanceSchema, 500: failure[500] },
    },
    handler: () => metrics.performance(),
  });
}

import { Type } from 'typebox';
import { AegisError } from '../../errors.ts';
import type { BreakerStatus } from '../../eval/source-control.ts';
import type { Api, ApiDeps } from '../deps.ts';
import type { RecordOrder } from '../order-record.ts';
import { failure, StringOrNull, Timestamp } from '../schemas.ts';

const Breaker = Type.Object({
  service: Type.String(),
  state: Type.Enum(['closed', 'open', 'half-open', 'tripped'], { description: 'tripped: by an order.' }),
  since: Timestamp,
  refused: Type.Number({ description: 'Evaluations that it refused, or ended, since the start.' }),
  reason: StringOrNull,
});

const ServiceQuery = Type.Object({
  service: Type.String({
    minLength: 1,
    description: 'what the circuit breaker stands in front of, such as prometheus',
  }),
});

/** The circuit breakers in front of metrics sources: to be looked at, tripped and reset. */
export function circuitBreakerRoutes(app: Api, record: RecordOrder, { orders }: Pick<ApiDeps, 'orders'>): void {
  const breakerOf = (service: string) => {
    const breaker = orders.breakers.get(service);
    if (breaker !== undefined) return breaker;
    const known = [...orders.breakers.keys()].join(', ');
    throw new AegisError(
      'unknown_service',
      `no circuit breaker in front of: ${service} (there is: ${known || 'none'})`,
    );
  };

  for (const action of ['trip', 'reset'] as const) {
    app.route({
      method: 'POST',
      url: `/admin/circuit-breaker/${action}`,
      config: { access: 'admin' },
      schema: {
        operationId: `${action}CircuitBreaker`,
        summary:
          action === 'trip'
            ? 'Send no more queries to a service: decisions are WARN at once, until reset'
            : 'Close a circuit breaker, whoever opened it',
        tags: ['orders'],
        querystring: ServiceQuery,
        response: { 400: failure[400], 200: Breaker, 404: failure[404], 500: failure[500] },
      },
      handler: (request) => {
        const { service } = request.query;
        const breaker = breakerOf(service);
        breaker[action]();
        record(request, request.query, `circuit breaker ${breaker.status().state}`);
        return breakerAnswer(service, breaker.status());
      },
    });
  }

  app.route({
    method: 'GET',
    url: '/admin/circuit-breaker/status',
    config: { access: 'admin' },
    schema: {
      operationId: 'getCircuitBreakers',
      summary: 'The circuit breakers',
      tags: ['orders'],
      response: {
        200: Type.Object({ breakers: Type.Array(Breaker) }, { description: 'All of them.' }),
        500: failure[500],
      },
    },
    handler: () => ({
      breakers: [...orders.breakers].map(([service, breaker]) => breakerAnswer(service, breaker.status())),
    }),
  });
}

function breakerAnswer(service: string, { sinceMs, ...status }: BreakerStatus) {
  return { service, ...status, since: new Date(sinceMs).toISOString() };
}

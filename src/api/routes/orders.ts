import { Type } from 'typebox';
import { AegisError } from '../../errors.ts';
import type { BreakerStatus } from '../../eval/source-control.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { orderRecorder } from '../order-record.ts';
import { logLevels, type ReloadReport } from '../orders.ts';
import { failure, StringOrNull, Timestamp } from '../schemas.ts';
import { profileRoutes } from './profile.ts';

const refusals = { 500: failure[500] } as const;

const FileOutcome = Type.Object({
  outcome: Type.Enum(['ok', 'kept'], { description: 'kept: the file is broken, what was read before goes on.' }),
  message: Type.String(),
});

const Reloaded = Type.Unsafe<ReloadReport>(
  Type.Object(
    {
      slos: Type.Object({
        outcome: Type.Enum(['ok', 'errors', 'kept']),
        message: Type.String(),
        loaded: Type.Number(),
      }),
      keys: Type.Optional(FileOutcome),
      issuers: Type.Optional(FileOutcome),
      settings: Type.Object({
        changed: Type.Array(Type.String()),
        needRestart: Type.Array(Type.String(), { description: 'Changed, and taken over by a restart only.' }),
        error: StringOrNull,
      }),
      certificates: Type.Optional(Type.Object({ error: StringOrNull }, { description: 'With TLS.' })),
    } satisfies Record<keyof ReloadReport, unknown>,
    { description: 'What came of it.' },
  ),
);

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

/** Orders to the running server, each written down with who gave it. An order has no body: what comes as one is not read. */
export function orderRoutes(app: Api, deps: OrderDeps): void {
  app.register((plain, _options, ready) => {
    const scope: Api = plain.withTypeProvider();
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(bodyType, (_request, payload, done) => {
      payload.resume();
      done(null);
    });
    scope.addHook('onRequest', (request, _reply, done) => {
      if (request.headers['content-type'] !== undefined) request.headers['content-type'] = bodyType;
      done();
    });
    addRoutes(scope, deps);
    ready();
  });
}

const bodyType = 'application/octet-stream';

function addRoutes(app: Api, deps: OrderDeps): void {
  const { orders } = deps;
  const record = orderRecorder(deps);
  profileRoutes(app, record, deps);

  app.route({
    method: 'POST',
    url: '/admin/reload',
    config: { access: 'admin' },
    schema: {
      operationId: 'reload',
      summary: 'Read settings, SLO files, keys and certificates again',
      tags: ['orders'],
      response: { 200: Reloaded, ...refusals },
    },
    handler: async (request) => {
      const report = await orders.reload();
      record(request, {}, report.slos.message);
      return report;
    },
  });

  app.route({
    method: 'POST',
    url: '/admin/rate-limit',
    config: { access: 'admin' },
    schema: {
      operationId: 'setRateLimit',
      summary: 'Set how many requests a second one client may send',
      tags: ['orders'],
      querystring: Type.Object({
        ops_per_sec: Type.String({ pattern: '^[0-9]{1,7}(\\.[0-9]{1,3})?$', description: 'a number; 0 is no limit' }),
      }),
      response: {
        400: failure[400],
        200: Type.Object({ opsPerSec: Type.Number() }, { description: 'The limit as it stands.' }),
        ...refusals,
      },
    },
    handler: (request) => {
      const opsPerSec = Number(request.query.ops_per_sec);
      orders.setRateLimit(opsPerSec);
      record(request, request.query, `rate limit ${opsPerSec === 0 ? 'off' : `${opsPerSec} a second`}`);
      return { opsPerSec };
    },
  });

  app.route({
    method: 'POST',
    url: '/admin/log-level',
    config: { access: 'admin' },
    schema: {
      operationId: 'setLogLevel',
      summary: 'Set the least level that is logged',
      tags: ['orders'],
      querystring: Type.Object({ level: Type.Enum([...logLevels], { description: logLevels.join(', ') }) }),
      response: {
        400: failure[400],
        200: Type.Object({ level: Type.Enum([...logLevels]) }, { description: 'The level as it stands.' }),
        ...refusals,
      },
    },
    handler: (request) => {
      const { level } = request.query;
      orders.setLogLevel(level);
      record(request, request.query, `log level ${level}`);
      return { level };
    },
  });

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
        response: { 400: failure[400], 200: Breaker, 404: failure[404], ...refusals },
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
        ...refusals,
      },
    },
    handler: () => ({
      breakers: [...orders.breakers].map(([service, breaker]) => breakerAnswer(service, breaker.status())),
    }),
  });

  for (const method of ['POST', 'DELETE'] as const) {
    const draining = method === 'POST';
    app.route({
      method,
      url: '/admin/drain',
      config: { access: 'admin' },
      schema: {
        operationId: draining ? 'drain' : 'endDraining',
        summary: draining ? 'Have `/readyz` say 503, and go on answering' : 'Be ready again',
        tags: ['orders'],
        response: { 200: Type.Object({ draining: Type.Boolean() }, { description: 'As it stands.' }), ...refusals },
      },
      handler: (request) => {
        orders.drain(draining);
        record(request, {}, draining ? 'draining' : 'not draining');
        return { draining };
      },
    });
  }
}

type OrderDeps = Pick<ApiDeps, 'orders' | 'recordOrder' | 'clock' | 'log' | 'profile'>;

function breakerAnswer(service: string, { sinceMs, ...status }: BreakerStatus) {
  return { service, ...status, since: new Date(sinceMs).toISOString() };
}

import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { Server } from 'node:http';
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { AegisError } from '../errors.ts';
import { guardRoutes, type GuardedRoute } from './access.ts';
import type { ApiDeps } from './deps.ts';
import { clientErrorHandler, errorHandler } from './errors.ts';
import { logHandshakeErrors } from './handshake-log.ts';
import { createLimits, type Limits } from './limits/limits.ts';
import { limits as fixed } from './limits/fixed.ts';
import { collectRoutes } from './method-not-allowed.ts';
import { describeApi, serveDescription } from './openapi.ts';
import { loggedPath, requestIdOf, requestLine } from './request-line.ts';
import { requestSchemas } from './request-schemas.ts';
import { auditDecisionsRoute } from './routes/audit-decisions.ts';
import { auditExportRoutes } from './routes/audit-export.ts';
import { auditOrdersRoute } from './routes/audit-orders.ts';
import { auditRoutes } from './routes/audit.ts';
import { comprehensiveHealthRoute } from './routes/comprehensive-health.ts';
import { decisionRoute } from './routes/decision.ts';
import { decisionsRoute } from './routes/decisions.ts';
import { evaluationRoutes } from './routes/evaluations.ts';
import { healthRoutes } from './routes/health.ts';
import { metricsRoute } from './routes/metrics.ts';
import { orderRoutes } from './routes/orders.ts';
import { performanceRoute } from './routes/performance.ts';
import { sloRoutes } from './routes/slos.ts';
import { stateRoutes } from './routes/state.ts';
import { statsRoute } from './routes/stats.ts';
import { statusRoutes } from './routes/status.ts';
import { systemMetricsRoute } from './routes/system-metrics.ts';
import { createTraffic, type Traffic } from './traffic.ts';

declare module 'fastify' {
  interface FastifyInstance {
    readonly traffic: Traffic;
    readonly limits: Limits;
    /** A server that is not listening yet, for the admin socket. */
    readonly adminServer: () => Server;
    /** Who may use each route, in the order of their adding. */
    readonly routeAccess: readonly GuardedRoute[];
  }
}

/** The HTTP API, not yet listening. It is ended by `drain` (drain.ts). */
export function createApi(deps: ApiDeps): FastifyInstance {
  const { edge, log, clock } = deps;
  const { traffic, serve, serveAdmin } = createTraffic({
    ...edge,
    onHandshakeError: logHandshakeErrors({ log, clock }),
  });
  const limits = createLimits({ rates: edge.rates, clock, log });
  const onLine = requestLine(deps);
  const onError = errorHandler(deps.log);
  const onClientError = clientErrorHandler(traffic, deps.log, () => requestIdOf({ headers: {} }));
  const app = fastify({
    serverFactory: serve,
    forceCloseConnections: true,
    // A request that comes while the sockets are being closed is answered like any other.
    return503OnClosing: false,
    genReqId: requestIdOf,
    routerOptions: { maxParamLength: 512 },
    bodyLimit: fixed.bodyBytes,
    ...(edge.trustedProxies.length > 0 && { trustProxy: [...edge.trustedProxies] }),
    frameworkErrors: (error, request, reply) => {
      onLine(request, reply); // generic over routes, of which there is none yet
      onError(error, request, reply);
    },
    clientErrorHandler: onClientError,
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.decorate('traffic', traffic);
  app.decorateRequest('about');
  app.decorate('limits', limits);
  app.decorate('adminServer', () => {
    const server = serveAdmin((request, response) => app.routing(request, response));
    return server.on('clientError', onClientError);
  });
  app.setValidatorCompiler(requestSchemas());
  // Answers are what the policy made, whole: a schema that lags behind must not drop a field.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.setErrorHandler(onError);
  app.setNotFoundHandler((request) => {
    throw unknownPath(request);
  });
  app.addHook('onRequest', (request, reply, done) => {
    onLine(request, reply);
    done(refusal(request));
  });

  // The last of them comes first in a request: who asks is recognised before their requests are counted.
  limits.guard(app);
  guardRoutes(app, deps);

  const refuseOtherMethods = collectRoutes(app);
  describeApi(app, deps.about.version);
  app.register((plain, _options, done) => {
    const routes = plain.withTypeProvider<TypeBoxTypeProvider>();
    decisionRoute(routes, { ...deps, limits });
    sloRoutes(routes, deps);
    decisionsRoute(routes, deps);
    stateRoutes(routes, deps);
    auditRoutes(routes, deps);
    auditDecisionsRoute(routes, deps);
    auditOrdersRoute(routes, deps);
    auditExportRoutes(routes, deps);
    evaluationRoutes(routes, deps);
    statusRoutes(routes, deps);
    healthRoutes(routes, deps.readiness);
    comprehensiveHealthRoute(routes, deps);
    metricsRoute(routes, deps);
    performanceRoute(routes, deps);
    statsRoute(routes, deps);
    systemMetricsRoute(routes, deps);
    orderRoutes(routes, deps);
    serveDescription(routes);
    done();
  });
  app.after(refuseOtherMethods);
  return app;
}

/** What is refused before a body is parsed. */
function refusal(request: FastifyRequest): AegisError | undefined {
  if (request.is404) return unknownPath(request);
  if (request.headers.host === undefined && request.raw.httpVersion === '1.1') {
    return new AegisError('invalid_request', 'the header Host is required');
  }
  if (request.raw.rawHeaders.length > 2 * fixed.headers) {
    return new AegisError('headers_too_large', `the request has too many headers (${fixed.headers} are allowed)`);
  }
  return undefined;
}

function unknownPath(request: FastifyRequest): AegisError {
  return new AegisError('unknown_path', `no such path: ${loggedPath(request.url)} (docs at /docs)`);
}

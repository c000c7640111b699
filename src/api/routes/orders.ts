import { Type } from 'typebox';
import type { Api, ApiDeps } from '../deps.ts';
import { orderRecorder } from '../order-record.ts';
import { logLevels, type FileOutcome, type ReloadReport } from '../orders.ts';
import { failure, StringOrNull } from '../schemas.ts';
import { circuitBreakerRoutes } from './circuit-breaker.ts';
import { profileRoutes } from './profile.ts';

const refusals = { 500: failure[500] } as const;

const FileRead = Type.Object({
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
      keys: Type.Optional(FileRead),
      issuers: Type.Optional(FileRead),
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
      record(request, {}, outcomeOf(report));
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
        ops_per_sec: Type.String({
          pattern: '^[0-9]{1,7}(\\.[0-9]{1,3})?$',
          description: 'a number such as 100 or 0.5, or 0 for no limit',
        }),
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
      const carryOut = () => orders.setLogLevel(level);
      const writeDown = () => record(request, request.query, `log level ${level}`);
      // The line that tells of an order is a warning: the order that silences it is told before.
      const isSilencing = level === 'error' || level === 'fatal';
      for (const step of isSilencing ? [writeDown, carryOut] : [carryOut, writeDown]) step();
      return { level };
    },
  });

  circuitBreakerRoutes(app, record, deps);

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

/** In one line for who looks back: what was not taken over is said as well. */
function outcomeOf({ slos, settings, keys, issuers, certificates }: ReloadReport): string {
  const kept = (what: string, file?: FileOutcome) => (file?.outcome === 'kept' ? [`${what}: ${file.message}`] : []);
  const failed = (what: string, error: string | null) => (error === null ? [] : [`${what} not taken: ${error}`]);
  return [
    slos.message,
    ...failed('settings', settings.error),
    ...kept('keys', keys),
    ...kept('issuers', issuers),
    ...failed('certificates', certificates?.error ?? null),
  ].join('; ');
}

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Identified, Identity, SloRef } from '../access/ports.ts';
import { AegisError } from '../errors.ts';
import type { ApiDeps, RouteAccess } from './deps.ts';

const descriptionPages = '/docs';

/** Sent a request to an open route, and was not recognised. */
const nobody: Identity = { kind: 'anonymous', name: 'anonymous', scopes: new Set(), maySee: () => false };

/**
 * Recognises who sends a request and refuses what they may not do, before a body is read. To be called before any route
 * is added: a route that does not say who may use it is a programmer error.
 */
export function guardRoutes(app: FastifyInstance, { access }: Pick<ApiDeps, 'access'>): void {
  app.decorateRequest('identity');
  app.addHook('onRoute', (route) => {
    // The pages of the description hold nothing of this server, and their routes are made by a plugin.
    if (route.url.startsWith(descriptionPages)) route.config = { ...route.config, access: 'open' };
    if (route.config?.access === undefined) throw new Error(`${route.url} does not say who may use it`);
  });
  app.addHook('onRequest', (request, reply, done) => {
    const identified = access.identify(credentialsOf(request));
    if (identified instanceof Promise) void identified.then((later) => done(admit(request, reply, later)), done);
    else done(admit(request, reply, identified));
  });

  function admit(request: FastifyRequest, reply: FastifyReply, identified: Identified): AegisError | undefined {
    const route = request.routeOptions.config.access ?? 'open';
    if (identified.kind === 'identified') {
      request.identity = identified.identity;
      return mayUse(identified.identity, route) ? undefined : notAllowed(identified.identity, route);
    }
    request.identity = nobody;
    if (route === 'open' || (route === 'metrics' && access.openMetrics)) return undefined;
    if (identified.retryAfterS !== undefined) reply.header('retry-after', identified.retryAfterS);
    reply.header('www-authenticate', 'Bearer');
    return new AegisError('unauthorized', identified.message);
  }

  function mayUse({ scopes }: Identity, route: RouteAccess): boolean {
    if (route === 'open' || scopes.has('admin')) return true;
    if (route === 'metrics') return access.openMetrics || scopes.has('read');
    return route !== 'admin' && route.some((scope) => scopes.has(scope));
  }
}

/** 403 for an SLO that somebody who was recognised may not ask for. */
export function refuseOtherSlos({ identity }: FastifyRequest, slo: SloRef): void {
  if (identity.maySee(slo)) return;
  throw new AegisError('forbidden', `${identity.name} may not ask for SLO ${slo.id}`);
}

function notAllowed(identity: Identity, route: RouteAccess): AegisError {
  if (identity.kind === 'anonymous') {
    return new AegisError(
      'forbidden',
      'orders are taken with an API key of the scope admin (--api-keys-file), or on the admin socket (--admin-socket)',
    );
  }
  const needed = route === 'metrics' ? 'read' : typeof route === 'string' ? route : route.join(' or ');
  return new AegisError('forbidden', `${identity.name} does not have the scope ${needed}`);
}

function credentialsOf({ headers, ip }: FastifyRequest) {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  const key = headers['x-api-key'];
  return { token: bearer ?? (typeof key === 'string' ? key : null), isAdminSocket: false, address: ip };
}

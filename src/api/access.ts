import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify';
import type { Credentials, Identified, Identity } from '../access/ports.ts';
import { AegisError } from '../errors.ts';
import { describeAccess } from './access-description.ts';
import type { ApiDeps, RouteAccess } from './deps.ts';
import { createFailureLog } from './failure-log.ts';

/** A route as the table of docs/access.md shows it. */
export interface GuardedRoute {
  readonly methods: string;
  readonly url: string;
  readonly needed: RouteAccess;
  readonly perSlo: boolean;
}

const descriptionPages = '/docs';

/** Sent a request to an open route, where nobody asks who it is. */
const nobody: Identity = {
  kind: 'anonymous',
  name: 'anonymous',
  scopes: new Set(),
  seesAll: false,
  maySee: () => false,
};

/**
 * Recognises who sends a request and refuses what they may not do, before a body is read. To be called before any route
 * is added: a route that does not say who may use it is a programmer error. What was added to routes before runs after.
 */
export function guardRoutes(app: FastifyInstance, deps: Pick<ApiDeps, 'access' | 'log' | 'clock'>): void {
  const { access } = deps;
  const routes: GuardedRoute[] = [];
  app.decorate('routeAccess', routes);
  const logFailure = createFailureLog(deps);
  app.decorateRequest('identity');
  app.addHook('onRoute', (route) => {
    // The pages of the description hold nothing of this server, and their routes are made by a plugin.
    if (route.url.startsWith(descriptionPages)) route.config = { ...route.config, access: 'open' };
    const { access: needed, perSlo = false } = route.config ?? {};
    if (needed === undefined) throw new Error(`${route.url} does not say who may use it`);
    if (route.schema?.hide !== true) {
      routes.push({ methods: [route.method].flat().join(', '), url: route.url, needed, perSlo });
    }
    // A hook of each route, rather than one of all: looking up what route it is costs more than the rest of it.
    const guard = needed === 'open' || isOpen(needed) ? letIn : guardOf(needed, perSlo);
    if (needed !== 'open' && !isOpen(needed)) describeAccess(route, needed, access);
    route.onRequest = [guard, ...[route.onRequest ?? []].flat()];
  });

  function isOpen(needed: RouteAccess): boolean {
    return needed === 'open' || (needed === 'metrics' && access.openMetrics);
  }

  function guardOf(needed: Exclude<RouteAccess, 'open'>, perSlo: boolean): onRequestHookHandler {
    return (request, reply, done) => {
      const identified = access.identify(credentialsOf(request, app.traffic.isAdmin(request.raw.socket)));
      const admit = (who: Identified) => {
        if (who.kind === 'refused') return refuse(request, reply, who);
        request.identity = who.identity;
        return refusalOf(who.identity, needed, perSlo);
      };
      if (identified instanceof Promise) void identified.then((later) => done(admit(later)), done);
      else done(admit(identified));
    };
  }

  function refuse(request: FastifyRequest, reply: FastifyReply, why: Extract<Identified, { kind: 'refused' }>) {
    request.identity = nobody;
    logFailure(request, why.reason);
    if (why.retryAfterS !== undefined) reply.header('retry-after', String(why.retryAfterS));
    if (why.reason === 'unavailable') return new AegisError('issuer_unavailable', why.message);
    if (why.reason === 'too_many_failures') return new AegisError('rate_limited', why.message);
    reply.header('www-authenticate', 'Bearer');
    return new AegisError('unauthorized', why.message);
  }
}

/** The guard of an open route: nobody asks who it is. */
const letIn: onRequestHookHandler = (request, _reply, done) => {
  request.identity = nobody;
  done();
};

/** Why somebody who was recognised may not use a route; undefined where they may. */
function refusalOf(identity: Identity, needed: Exclude<RouteAccess, 'open'>, perSlo: boolean): AegisError | undefined {
  if (!hasScope(identity, needed)) return notAllowed(identity, needed);
  // What tells of all SLOs at once is not for who may ask for some: the safe side for every route to come.
  if (identity.seesAll || perSlo) return undefined;
  return new AegisError('forbidden', `${identity.name} may ask for some SLOs only, and this is about all of them`);
}

function hasScope({ scopes }: Identity, needed: RouteAccess): boolean {
  if (scopes.has('admin')) return true;
  if (needed === 'metrics') return scopes.has('read');
  return typeof needed !== 'string' && needed.some((scope) => scopes.has(scope));
}

function notAllowed(identity: Identity, needed: RouteAccess): AegisError {
  if (identity.kind === 'anonymous') {
    return new AegisError(
      'forbidden',
      'orders are taken with an API key of the scope admin (--api-keys-file), or on the admin socket (--admin-socket)',
    );
  }
  const scope = needed === 'metrics' ? 'read' : typeof needed === 'string' ? needed : needed.join(' or ');
  return new AegisError('forbidden', `${identity.name} does not have the scope ${scope}`);
}

function credentialsOf({ headers, about }: FastifyRequest, isAdminSocket: boolean): Credentials {
  return { token: tokenOf(headers.authorization, headers['x-api-key']), isAdminSocket, address: about.client };
}

function tokenOf(authorization: string | undefined, key: string | string[] | undefined): Credentials['token'] {
  const bearer = authorization === undefined ? undefined : /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
  // Another scheme beside a key is a proxy's own.
  if (typeof key === 'string') {
    return bearer === undefined || bearer === key ? key : { unusable: 'Authorization and X-API-Key differ: send one' };
  }
  if (bearer !== undefined) return bearer;
  return authorization === undefined ? null : { unusable: 'Authorization is not "Bearer TOKEN"' };
}

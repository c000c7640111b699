import type { RouteOptions } from 'fastify';
import type { AccessControl } from '../access/ports.ts';
import type { RouteAccess } from './deps.ts';
import { failure } from './schemas.ts';

/** The ways to say who one is, as OpenAPI names them. */
export const securitySchemes = {
  bearer: { type: 'http', scheme: 'bearer', description: 'An API key, or an OIDC token of a CI system.' },
  apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'An API key.' },
} as const;

const refusals = { 401: failure[401], 403: failure[403], 429: failure[429], 503: failure[503] } as const;

/** Adds to a route's description how it is asked for, and how it refuses. */
export function describeAccess(
  route: Pick<RouteOptions, 'schema'>,
  needed: Exclude<RouteAccess, 'open'>,
  { asksForKey }: Pick<AccessControl, 'asksForKey'>,
): void {
  const { schema } = route;
  if (schema === undefined) throw new Error('a guarded route has no schema to describe it');
  const response = typeof schema.response === 'object' ? schema.response : {};
  const isAsked = asksForKey || needed === 'admin';
  route.schema = {
    ...schema,
    response: { ...refusals, ...response },
    ...(isAsked && { security: scopesOf(needed).flatMap((scope) => [{ bearer: [scope] }, { apiKey: [scope] }]) }),
  };
}

/** Any one of these; `admin` holds the others. */
function scopesOf(needed: Exclude<RouteAccess, 'open'>): readonly string[] {
  if (needed === 'metrics') return ['read'];
  return typeof needed === 'string' ? [needed] : needed;
}

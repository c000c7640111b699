import { METHODS } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { AegisError } from '../errors.ts';

/**
 * Answers 405 with `Allow` to the methods that a known path does not have. To be called before any route is added, and
 * the returned function after all were.
 */
export function collectRoutes(app: FastifyInstance): () => void {
  const urls = new Set<string>();
  app.addHook('onRoute', ({ url }) => void urls.add(url));
  return () => {
    const known = knownMethods(app);
    for (const url of [...urls]) {
      const allowed = known.filter((method) => app.hasRoute({ method, url }));
      const others = known.filter((method) => !allowed.includes(method));
      refuse(app, url, others, allowed.join(', '));
    }
  };
}

function refuse(app: FastifyInstance, url: string, methods: string[], allow: string): void {
  const refusal = (method: string) =>
    new AegisError('method_not_allowed', `method ${method} is not allowed here (allowed: ${allow})`);
  app.route({
    method: methods,
    url,
    config: { access: 'open' },
    schema: { hide: true },
    // Before a body is parsed: what it holds, and of what type, does not matter any more.
    onRequest: async (request, reply) => {
      reply.header('allow', allow);
      throw refusal(request.method);
    },
    handler: (request) => {
      throw refusal(request.method);
    },
  });
}

/** The methods that Node parses; the framework is told of those that it does not know. A CONNECT is no request to Node. */
function knownMethods(app: FastifyInstance): readonly string[] {
  const methods = METHODS.filter((method) => method !== 'CONNECT');
  for (const method of methods) if (!app.supportedMethods.includes(method)) app.addHttpMethod(method);
  return methods;
}

import swagger from '@fastify/swagger';
import fastify, { type FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { describeHeaders } from './answer-headers.ts';
import { securitySchemes } from './access-description.ts';
import type { Api } from './deps.ts';
import { failure } from './schemas.ts';

const description = `Is it safe to deploy now? ALLOW, WARN or BLOCK, with the evidence.

Errors are \`{error, code, requestId}\`. HEAD works wherever GET does. A known path with another method is 405 with
\`Allow\`, an unknown path 404. What is no valid HTTP is 400, headers over 16 KiB are 431, a request that does not
arrive in time is 408. A request's \`X-Request-Id\` is taken over where it is up to 128 letters, digits and \`_.:=+/@-\`.`;

// All the page needs comes from this server. Swagger UI sets style attributes and draws with data: images.
const pagePolicy = [
  "default-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "img-src 'self' data:",
  "object-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
].join('; ');

/** What browsers are told of pages. The rest of the API is for programs, and has no page that could be framed. */
const pageHeaders = [
  ['content-security-policy', pagePolicy],
  ['x-frame-options', 'DENY'],
  ['referrer-policy', 'no-referrer'],
  ['permissions-policy', 'camera=(), geolocation=(), microphone=(), payment=(), usb=()'],
  ['cross-origin-opener-policy', 'same-origin'],
  ['cross-origin-resource-policy', 'same-origin'],
] as const;

/** Collects the schemas of the routes that are added from here on. */
export function describeApi(app: Api, version: string): void {
  app.addHook('onRoute', describeHeaders);
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'AegisSLO', version, description, license: { name: 'MIT', identifier: 'MIT' } },
      components: { securitySchemes },
      tags: [
        { name: 'gate', description: 'Decisions' },
        { name: 'slos', description: 'What is evaluated' },
        { name: 'audit', description: 'What was decided, and why' },
        { name: 'operations', description: 'Health, status, metrics' },
        { name: 'orders', description: 'To the running server, for operators' },
      ],
    },
  });
}

/** `/openapi.json`, and a page to browse it at `/docs` that works offline. */
export function serveDescription(app: Api): void {
  let document: string | undefined;
  app.route({
    method: 'GET',
    url: '/openapi.json',
    config: { access: 'open', work: 'page' },
    schema: {
      operationId: 'getDescription',
      summary: 'This description (OpenAPI 3.1)',
      tags: ['operations'],
      response: { 200: Type.Unsafe<string>(Type.Object({}, { description: 'OpenAPI 3.1' })), 500: failure[500] },
    },
    handler: (_request, reply) => {
      document ??= JSON.stringify(app.swagger());
      void reply.type('application/json; charset=utf-8');
      return document;
    },
  });
  app.register((pages, _options, ready) => {
    pages.addHook('onRequest', (request, reply, done) => {
      for (const [name, value] of pageHeaders) reply.header(name, value);
      if (request.protocol === 'https') reply.header('strict-transport-security', 'max-age=31536000');
      done();
    });
    servePages(pages, () => ({ ...app.swagger() }));
    ready();
  });
}

type Description = Readonly<Record<string, unknown>>;

const pagePaths = ['/docs', '/docs/', '/docs/json', '/docs/yaml', '/docs/static/*'];

/** What a browser says of the copy that it has, and of the part that it wants. */
const passedOn: ReadonlySet<string> = new Set(['if-none-match', 'if-modified-since', 'if-range', 'range']);

/** Of this connection and of the answer as it is sent, not of the page. */
const ofOneAnswer: ReadonlySet<string> = new Set(['connection', 'date', 'keep-alive', 'transfer-encoding']);

/**
 * Swagger UI takes as long to load as a tenth of a start and is looked at by few: it is loaded with the first request
 * for it, into an application of its own, as the routes of one that listens are fixed. Where that fails the answer is
 * 500 with the cause in the log, and the next request tries again.
 */
function servePages(app: FastifyInstance, description: () => Description): void {
  let opened: Promise<FastifyInstance> | undefined;
  const pages = async () => {
    opened ??= openPages(description());
    return opened.catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
  };
  app.addHook('onClose', async () => {
    const left = await opened?.catch(() => undefined);
    await left?.close();
  });
  for (const url of pagePaths) {
    app.route({
      method: 'GET',
      url,
      schema: { hide: true },
      async handler(request, reply) {
        const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => passedOn.has(name)));
        const page = await (await pages()).inject({ method: 'GET', url: request.url, headers });
        if (page.statusCode === 404) {
          reply.callNotFound();
          return reply;
        }
        for (const [name, value] of Object.entries(page.headers)) {
          if (value !== undefined && !ofOneAnswer.has(name)) void reply.header(name, value);
        }
        return reply.code(page.statusCode).send(page.rawPayload);
      },
    });
  }
}

async function openPages(document: Description): Promise<FastifyInstance> {
  const { default: swaggerUi } = await import('@fastify/swagger-ui');
  const pages = fastify();
  await pages.register(swagger);
  const ofThisServer = { transformSpecification: () => document, transformSpecificationClone: false };
  await pages.register(swaggerUi, { routePrefix: '/docs', staticCSP: pagePolicy, ...ofThisServer });
  await pages.ready();
  return pages;
}

import { Type } from 'typebox';
import type { Api } from '../deps.ts';
import type { Readiness } from '../readiness.ts';
import { failure, RoleSchema } from '../schemas.ts';

const Health = Type.Object({ status: Type.Literal('ok') }, { description: 'The process answers.' });

const readiness = (description: string) =>
  Type.Unsafe<Readiness>(
    Type.Object(
      {
        ready: Type.Boolean(),
        slosLoaded: Type.Number(),
        role: RoleSchema,
        reasons: Type.Optional(Type.Array(Type.String())),
      } satisfies Record<keyof Readiness, unknown>,
      { description },
    ),
  );

export function healthRoutes(app: Api, ready: () => Readiness): void {
  app.route({
    method: 'GET',
    url: '/healthz',
    config: { access: 'open', work: 'health' },
    schema: {
      operationId: 'getHealth',
      summary: 'Does the process answer?',
      tags: ['operations'],
      response: { 200: Health, 500: failure[500] },
    },
    handler: () => ({ status: 'ok' as const }),
  });

  app.route({
    method: 'GET',
    url: '/readyz',
    config: { access: 'open', work: 'health' },
    schema: {
      operationId: 'getReadiness',
      summary: 'Are there decisions to be had?',
      tags: ['operations'],
      response: {
        200: readiness('Every SLO was evaluated, or failed, once since the start; files in error are named.'),
        503: readiness('Not ready, and why.'),
        500: failure[500],
      },
    },
    handler: (_request, reply) => {
      const answer = ready();
      void reply.code(answer.ready ? 200 : 503);
      return answer;
    },
  });
}

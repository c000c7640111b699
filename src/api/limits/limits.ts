import { Readable } from 'node:stream';
import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  onRequestHookHandler,
  onSendHookHandler,
  RouteOptions,
} from 'fastify';
import type { Clock } from '../../clock.ts';
import { AegisError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { clientOf } from './client.ts';
import { createOverload, type Costly } from './overload.ts';
import { createRateLimiter } from './rate.ts';
import { failure } from '../schemas.ts';
import { createRareLog } from './rare-log.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What its requests cost: `health` is never limited; the others are refused when there are too many of them. */
    readonly work?: 'health' | Exclude<Costly, 'forced'>;
  }
}

/** Requests and forced evaluations a second of one client; 0 is no limit. */
export interface Rates {
  readonly rateLimit: number;
  readonly forcedRateLimit: number;
}

/** What is refused to protect the rest. Nothing of it ever changes a decision: it is answered, or refused. */
export interface Limits {
  /** Adds them to an application. To be called before any route is added, and before `guardRoutes`. */
  guard(app: FastifyInstance): void;
  /** Runs a forced evaluation within the budget of its client and of the server; else throws what to answer. */
  forced<T>(request: FastifyRequest, reply: FastifyReply, sloId: string, evaluate: () => Promise<T>): Promise<T>;
  /** Requests that were refused since the start. */
  refused(): { readonly requests: number; readonly forced: number; readonly overload: number };
}

interface Options {
  /** Read at each request, so that an order or a reload takes effect at once. */
  readonly rates: () => Rates;
  readonly clock: Clock;
  readonly log: Log;
}

const pages = '/docs';

export function createLimits({ rates, clock, log }: Options): Limits {
  const budgets = { requests: createRateLimiter(), forced: createRateLimiter() };
  const limited = { requests: 0, forced: 0 };
  const overload = createOverload(clock);
  const sayLimited = createRareLog(clock);

  function refuseAboveRate(
    budget: keyof typeof budgets,
    perSecond: number,
    request: FastifyRequest,
    reply: FastifyReply,
  ): AegisError | undefined {
    if (perSecond === 0 || request.identity.kind === 'socket') return undefined;
    const client = clientOf(request.identity, request.ip);
    const waitMs = budgets[budget].take(client, perSecond, clock.now().monotonicMs);
    if (waitMs === 0) return undefined;
    limited[budget] += 1;
    const seconds = Math.ceil(waitMs / 1000);
    reply.header('retry-after', seconds);
    reply.header('ratelimit-limit', Math.max(1, Math.floor(perSecond)));
    reply.header('ratelimit-remaining', 0);
    reply.header('ratelimit-reset', seconds);
    const route = request.routeOptions.url ?? 'none';
    sayLimited(`${budget} ${client}`, (suppressed) => {
      log.warn('rate_limit', { component: 'api', client, route, budget, per_second: perSecond, suppressed });
    });
    const what = budget === 'forced' ? 'forced evaluations' : 'requests';
    return new AegisError(
      'rate_limited',
      `${client} may send ${perSecond} ${what} a second: ask again in ${seconds} s`,
    );
  }

  /** A hook of the routes that it is for, rather than of all: looking up what route it is costs more than the limit. */
  const withinRate: onRequestHookHandler = (request, reply, done) => {
    const { rateLimit } = rates();
    if (rateLimit === 0) done();
    else done(refuseAboveRate('requests', rateLimit, request, reply));
  };

  function tooMuch(reply: FastifyReply): AegisError {
    reply.header('retry-after', 1);
    return new AegisError('overloaded', 'the server has too much to do for this now: ask again in 1 s');
  }

  /**
   * The hooks of a route whose requests are bounded. Their work is over when the answer is made, however slowly it is
   * read; that of a stream goes on until its last byte.
   */
  function bound(work: Costly): { before: onRequestHookHandler; after: onSendHookHandler } {
    const ends = new WeakMap<FastifyRequest, () => void>();
    return {
      before(request, reply, done) {
        const end = overload.begin(work);
        if (end === undefined) {
          done(tooMuch(reply));
          return;
        }
        ends.set(request, end);
        reply.raw.once('close', end);
        done();
      },
      after(request, _reply, payload, done) {
        if (!(payload instanceof Readable)) ends.get(request)?.();
        done();
      },
    };
  }

  return {
    guard(app) {
      app.addHook('onListen', (done) => {
        overload.watch();
        done();
      });
      app.addHook('onClose', (_app, done) => {
        overload.stop();
        done();
      });
      app.addHook('onRoute', (route) => {
        if (route.url.startsWith(pages)) route.config = { ...route.config, work: 'page' };
        const { work, access } = route.config ?? {};
        // Whoever gives orders was recognised, and has to be able to raise the limit.
        if (work === 'health' || access === 'admin') return;
        const own = [route.onRequest ?? []].flat();
        if (work === undefined) {
          route.onRequest = [withinRate, ...own];
          return;
        }
        describe(route, { 429: failure[429], 503: failure[503] });
        const { before, after } = bound(work);
        route.onRequest = [withinRate, before, ...own];
        route.onSend = [...[route.onSend ?? []].flat(), after];
      });
    },

    async forced(request, reply, sloId, evaluate) {
      const refusal = refuseAboveRate('forced', rates().forcedRateLimit, request, reply);
      if (refusal !== undefined) throw refusal;
      const end = overload.begin('forced', sloId);
      if (end === undefined) throw tooMuch(reply);
      try {
        return await evaluate();
      } finally {
        end();
      }
    },

    refused: () => ({ ...limited, overload: overload.refused() }),
  };
}

/** Adds answers to the description of a route, where it has one. */
function describe(route: Pick<RouteOptions, 'schema'>, answers: Readonly<Record<number, unknown>>): void {
  const { schema } = route;
  if (schema === undefined || schema.hide === true) return;
  const response = typeof schema.response === 'object' ? schema.response : {};
  route.schema = { ...schema, response: { ...answers, ...response } };
}

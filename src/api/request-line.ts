import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ApiDeps } from './deps.ts';

// A caller's own id is taken where it can stand in a log line and a header; anything else gets one of ours.
const saneRequestId = /^[\w.:=+/@-]{1,128}$/;

export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && saneRequestId.test(given) ? given : randomUUID();
}

// nginx's status for a client that closed its connection before it had an answer; it is never sent.
const clientGone = 499;

const longestPathChars = 512;

/** The path of a request for the log: without the query and without user and password, which may be secrets. */
export function loggedPath(url: string): string {
  const path = url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '');
  return path.length > longestPathChars ? `${path.slice(0, longestPathChars)}…` : path;
}

/** Gives an answer the headers that every answer has, and logs one line when it is over, however it ends. */
export function requestLine({ log, clock, metrics }: Pick<ApiDeps, 'log' | 'clock' | 'metrics'>) {
  return (request: FastifyRequest, reply: FastifyReply): void => {
    const startMs = clock.now().monotonicMs;
    const { raw } = reply;
    raw.setHeader('x-request-id', request.id);
    raw.setHeader('x-content-type-options', 'nosniff');
    raw.setHeader('cache-control', 'no-store');
    raw.once('close', () => {
      const { method } = request;
      const route = request.routeOptions.url ?? 'none';
      const isWhole = raw.writableFinished;
      const status = isWhole || raw.headersSent || raw.statusCode >= 400 ? raw.statusCode : clientGone;
      const durationMs = clock.now().monotonicMs - startMs;
      metrics?.onAnswered({ route, method, status, durationMs });
      log.info('request', {
        component: 'api',
        request_id: request.id,
        method,
        path: loggedPath(request.url),
        route,
        status,
        duration_ms: Math.round(durationMs * 1000) / 1000,
        ...(!isWhole && { aborted: true }),
      });
    });
  };
}

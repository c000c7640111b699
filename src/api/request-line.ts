import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Identity } from '../access/ports.ts';
import type { Clock } from '../clock.ts';
import { setHeaders } from './answer-headers.ts';
import type { ApiDeps } from './deps.ts';
import { traceOf } from './trace.ts';

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

/** A correlation id is taken like a request id; without one it is the trace that spans the services. */
function correlationIdOf({ headers, trace }: FastifyRequest): string {
  const given = headers['x-correlation-id'];
  return typeof given === 'string' && saneRequestId.test(given) ? given : trace.traceId;
}

/** Gives an answer the headers that every answer has, and logs one line when it is over, however it ends. */
export function requestLine({ log, clock, metrics, slowRequestMs }: LineDeps) {
  const levelOf = sampleHealthChecks(clock);
  return (request: FastifyRequest, reply: FastifyReply): void => {
    const startMs = clock.now().monotonicMs;
    const { raw } = reply;
    setHeaders(reply, request.id);
    request.trace = traceOf(request.headers);
    request.about = {};
    const client = request.ip; // not known any more when the connection has closed
    raw.once('close', () => {
      const { method, trace, about } = request;
      const route = request.routeOptions.url ?? 'none';
      const isWhole = raw.writableFinished;
      const status = isWhole || raw.headersSent || raw.statusCode >= 400 ? raw.statusCode : clientGone;
      const durationMs = clock.now().monotonicMs - startMs;
      metrics?.onAnswered({ route, method, status, durationMs });
      const { level, notLogged } = levelOf(route, status);
      const fields = {
        component: 'api',
        request_id: request.id,
        trace_id: trace.traceId,
        span_id: trace.spanId,
        correlation_id: correlationIdOf(request),
        client,
        caller: callerOf(request),
        method,
        path: loggedPath(request.url),
        route,
        status,
        duration_ms: Math.round(durationMs * 1000) / 1000,
        slo_id: about.sloId,
        evaluation_id: about.evaluationId,
        decision: about.decision,
        aborted: isWhole ? undefined : true,
        not_logged: notLogged,
      };
      log[level]('request', fields);
      if (durationMs > slowRequestMs() && !orderedToLast.has(route)) log.warn('slow_request', fields);
    });
  };
}

type LineDeps = Pick<ApiDeps, 'log' | 'clock' | 'metrics' | 'slowRequestMs'>;

/** Undefined where a request was refused before anybody looked who sends it. */
function callerOf({ identity }: { readonly identity?: Identity }): string | undefined {
  return identity?.name;
}

/** Routes that balancers and Prometheus ask every few seconds, for ever. */
const healthChecks: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics']);
const sampleEveryMs = 60_000;

/** Routes that take as long as they are told to, or as their client reads. */
const orderedToLast: ReadonlySet<string> = new Set([
  ...['/admin/profile/cpu', '/admin/profile/heap'],
  ...['/v1/audit/export', '/v1/audit/decisions/export', '/v1/audit/orders/export'],
]);

/** At which level a request is logged: of health checks that succeed, one a minute at `info`, which counts the others. */
function sampleHealthChecks(clock: Clock) {
  const last = new Map<string, { atMs: number; notLogged: number }>();
  return (route: string, status: number): { readonly level: 'info' | 'debug'; readonly notLogged?: number } => {
    if (!healthChecks.has(route) || status >= 400) return { level: 'info' };
    const before = last.get(route);
    const nowMs = clock.now().monotonicMs;
    if (before !== undefined && nowMs - before.atMs < sampleEveryMs) {
      before.notLogged += 1;
      return { level: 'debug' };
    }
    last.set(route, { atMs: nowMs, notLogged: 0 });
    return { level: 'info', notLogged: before?.notLogged ?? 0 };
  };
}

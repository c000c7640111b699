import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Identity } from '../access/ports.ts';
import type { Trace } from '../eval/trace.ts';
import type { LogFields, LogLevel } from '../log.ts';
import { setHeaders } from './answer-headers.ts';
import type { ApiDeps } from './deps.ts';
import { traceFor } from './trace.ts';

// A caller's own id is taken where it can stand in a log line and a header; anything else gets one of ours.
const saneRequestId = /^[\w.:=+/@-]{1,128}$/;

export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && saneRequestId.test(given) ? given : randomUUID();
}

// nginx's status for a client that closed its connection before it had an answer; it is never sent.
const clientGone = 499;

const longestPathChars = 512;

/** Nothing to leave out, nor to cut off. */
const usualPath = /^\/[\w./-]{0,200}$/;

/** The path of a request for the log: without the query and without user and password, which may be secrets. */
export function loggedPath(url: string): string {
  if (usualPath.test(url)) return url;
  const path = url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '');
  return path.length > longestPathChars ? `${path.slice(0, longestPathChars)}…` : path;
}

/** A correlation id is taken like a request id; without one it is the trace that spans the services. */
function correlationIdOf({ headers }: FastifyRequest, { traceId }: Trace): string {
  const given = headers['x-correlation-id'];
  return typeof given === 'string' && saneRequestId.test(given) ? given : traceId;
}

/**
 * Gives an answer the headers that every answer has; when it is over, however it ends, counts it and logs one line.
 * Nothing of a line is made that is not written.
 */
export function requestLine(deps: LineDeps) {
  const { log, clock, metrics, slowRequestMs } = deps;
  const levelOf = lineLevels(deps);

  function onOver(request: FastifyRequest, raw: ServerResponse): void {
    const { startedMs } = request.about;
    const { url: route = 'none' } = request.routeOptions;
    const { method } = request;
    const isWhole = raw.writableFinished;
    const status = isWhole || raw.headersSent || raw.statusCode >= 400 ? raw.statusCode : clientGone;
    const durationMs = clock.now().monotonicMs - startedMs;
    metrics?.onAnswered({ route, method, status, durationMs });
    const { level, notLogged } = levelOf(route, status);
    const isSlow = durationMs > slowRequestMs() && !orderedToLast.has(route);
    const isWritten = level !== 'off' && log.writes(level);
    if (!isWritten && !isSlow) return;
    const fields = lineFields(request, { route, method, status, durationMs, isWhole, notLogged });
    if (isWritten) log[level]('request', fields);
    if (isSlow) log.warn('slow_request', fields);
  }

  return (request: FastifyRequest, reply: FastifyReply): void => {
    setHeaders(reply, request.id);
    request.about = { startedMs: clock.now().monotonicMs, client: request.ip };
    reply.raw.on('close', () => onOver(request, reply.raw)); // which comes once
  };
}

interface Over {
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly durationMs: number;
  readonly isWhole: boolean;
  readonly notLogged: number | undefined;
}

function lineFields(request: FastifyRequest, over: Over): LogFields {
  const { id, url, about } = request;
  const trace = traceFor(request);
  return {
    component: 'api',
    request_id: id,
    trace_id: trace.traceId,
    span_id: trace.spanId,
    correlation_id: correlationIdOf(request, trace),
    client: about.client,
    caller: callerOf(request),
    method: over.method,
    path: loggedPath(url),
    route: over.route,
    status: over.status,
    duration_ms: Math.round(over.durationMs * 1000) / 1000,
    slo_id: about.sloId,
    evaluation_id: about.evaluationId,
    decision: about.decision,
    aborted: over.isWhole ? undefined : true,
    not_logged: over.notLogged,
  };
}

type LineDeps = Pick<ApiDeps, 'log' | 'clock' | 'metrics' | 'slowRequestMs' | 'requestLog'>;

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

interface LineLevel {
  readonly level: LogLevel | 'off';
  readonly notLogged?: number;
}

const atInfo: LineLevel = { level: 'info' };

/**
 * At which level a request is logged: as the operator says it of its route. Else at `info`; of health checks that
 * succeed, one a minute, which counts the others.
 */
function lineLevels({ clock, requestLog }: Pick<LineDeps, 'clock' | 'requestLog'>) {
  const last = new Map<string, { atMs: number; notLogged: number }>();
  return (route: string, status: number): LineLevel => {
    const told = requestLog().get(route);
    if (told !== undefined) return { level: told };
    if (!healthChecks.has(route) || status >= 400) return atInfo;
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

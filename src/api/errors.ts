import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { ConnectionError, FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { AegisError, messageOf, type ErrorCode } from '../errors.ts';
import type { Log } from '../log.ts';
import { traceFor } from './trace.ts';
import type { Traffic } from './traffic.ts';
import { describeInvalid, type Invalid } from './invalid.ts';

/** Every error of this API, whatever its cause. */
export interface ErrorAnswer {
  /** One sentence for people. */
  readonly error: string;
  readonly code: ErrorCode;
  /** As in the header `X-Request-Id` and in the log. */
  readonly requestId: string;
}

const statusOf: Partial<Record<ErrorCode, number>> = {
  invalid_request: 400,
  invalid_json: 400,
  unknown_slo: 404,
  unknown_service: 404,
  unknown_evaluation: 404,
  unknown_path: 404,
  unauthorized: 401,
  forbidden: 403,
  method_not_allowed: 405,
  body_too_large: 413,
  headers_too_large: 431,
  rate_limited: 429,
  audit_unavailable: 503,
  profile_running: 409,
  issuer_unavailable: 503,
  overloaded: 503,
  shutting_down: 503,
};

interface Described {
  readonly status: number;
  readonly code: ErrorCode;
  readonly message: string;
}

const internal: Described = { status: 500, code: 'internal', message: 'internal error' };

/** What to tell of anything that was thrown; the details of a fault of ours stay in the log. */
function describe(error: unknown): Described {
  if (error instanceof AegisError) {
    const status = statusOf[error.code];
    if (status !== undefined) return { status, code: error.code, message: error.message };
  } else if (isFastifyError(error)) {
    if (error.validation) {
      return { status: 400, code: 'invalid_request', message: describeInvalid(error) };
    }
    return describeFrameworkError(error);
  }
  return internal;
}

function describeFrameworkError({ code, statusCode, message }: FastifyError): Described {
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return { status: 413, code: 'body_too_large', message: 'the body is too large' };
    case 'FST_ERR_BAD_URL':
      return { status: 400, code: 'invalid_request', message: 'the path is not valid: see its percent-encoding' };
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return { status: 414, code: 'invalid_request', message: 'a part of the path is over 512 characters' };
  }
  return statusCode !== undefined && statusCode >= 400 && statusCode < 500
    ? { status: statusCode, code: 'invalid_request', message }
    : internal;
}

/** The one handler of errors: those of handlers, of validation, and of the framework before a route was found. */
export function errorHandler(log: Log) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const { status, code, message } = describe(error);
    if (status >= 500) {
      const fields = {
        component: 'api',
        request_id: request.id,
        trace_id: traceFor(request).traceId,
        status,
        error: messageOf(error),
      };
      if (code === 'internal') log.error('request failed', { ...fields, stack: stackOf(error) });
      else log.warn('request failed', fields);
    }
    // The framework closes the connection after a body that it did not read or that was no JSON. Here the rest of the
    // body is discarded, within the request's time limit, so the client reads this answer and not a reset connection.
    if (reply.hasHeader('connection')) reply.header('connection', reply.raw.shouldKeepAlive ? 'keep-alive' : 'close');
    request.raw.resume();
    const answer: ErrorAnswer = { error: message, code, requestId: request.id };
    void reply.code(status).type('application/json; charset=utf-8').send(JSON.stringify(answer));
  };
}

/** Answers what is no HTTP, or never became a whole request; the framework has not seen it. */
export function clientErrorHandler(traffic: Traffic, log: Log, newRequestId: () => string) {
  return (error: ConnectionError, socket: Socket): void => {
    // ConnectionError says that a code is always there; a reset connection shows that it is not.
    if (error.code === 'ECONNRESET' || socket.destroyed || socket.writableEnded) return;
    const { status, message } = describeClientError(error);
    const requestId = newRequestId();
    const fields = { component: 'api', request_id: requestId, status, error: message };
    const pending = traffic.openOn(socket);
    if (pending !== undefined) {
      pending.statusCode = status; // its own line in the log tells it
    } else if (error.code === 'HPE_INVALID_EOF_STATE') {
      // Mostly a client that read the refusal of its body and left: that request has its line already.
      log.debug('connection ended in the midst of a request', fields);
    } else {
      log.info('request', fields);
    }
    if (socket.writable && !traffic.isAnswering(socket)) {
      const answer: ErrorAnswer = { error: message, code: 'invalid_request', requestId };
      socket.write(rawAnswer(status, answer));
    }
    socket.destroySoon();
  };
}

function describeClientError({ code }: ConnectionError): { status: number; message: string } {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: 408, message: 'the request did not arrive in time' };
    case 'HPE_HEADER_OVERFLOW':
      return { status: 431, message: 'the headers are too large (16 KiB are allowed)' };
    default:
      return { status: 400, message: `the request is not valid HTTP (${code})` };
  }
}

function rawAnswer(status: number, answer: ErrorAnswer): string {
  const body = JSON.stringify(answer);
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${answer.requestId}`,
    'X-Content-Type-Options: nosniff',
    'Cache-Control: no-store',
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}

function isFastifyError(error: unknown): error is FastifyError & Invalid {
  // What serves the pages of /docs throws errors that have a status, and no code.
  return error instanceof Error && ('validation' in error || 'statusCode' in error);
}

function stackOf(error: unknown): string | undefined {
  return error instanceof Error ? error.stack : undefined;
}

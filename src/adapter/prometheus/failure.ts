import { STATUS_CODES } from 'node:http';
import type { FailureReason } from '../../eval/measurement.ts';
import { excerpt } from './decode.ts';

/** Why a request gave no answer, and what may help. */
export interface RequestFailure {
  readonly reason: FailureReason;
  /** One sentence in the source's words, without secrets. */
  readonly detail: string;
  /** `repeat`: the same request may succeed at once. `split`: its parts may. `none`: asking again helps nobody. */
  readonly remedy: 'repeat' | 'split' | 'none';
  /** The source refused the query itself, and will refuse it again. */
  readonly refused: boolean;
  /** false: no request was sent for it. */
  readonly asked: boolean;
}

function failure(
  reason: FailureReason,
  detail: string,
  remedy: RequestFailure['remedy'],
  { refused = false, asked = true } = {},
): RequestFailure {
  return { reason, detail, remedy, refused, asked };
}

export const timedOut = (detail: string) => failure('timeout', detail, 'none');
export const notAskedInTime = (detail: string) => failure('timeout', detail, 'none', { asked: false });
export const notAskedAgain = (detail: string) => failure('rate-limited', detail, 'none', { asked: false });
/** Refused by the circuit breaker. */
export const turnedAway = (detail: string) => failure('unreachable', detail, 'none', { asked: false });
export const noCredentials = (detail: string) => failure('auth', detail, 'none', { asked: false });
export const garbled = (detail: string) => failure('malformed', detail, 'repeat');
export const tooLarge = (detail: string) => failure('malformed', detail, 'none');

/** Whether it says that the source, or what stands before it, is failing: no answer, or that of a server in trouble. */
export function tellsOfOutage({ reason, remedy, asked }: RequestFailure): boolean {
  if (!asked) return false;
  // A redirect, a 404 and a 501 are answers, if of no use.
  return reason === 'unreachable' || reason === 'timeout' || (reason === 'server' && remedy !== 'none');
}

/** The failure that an HTTP status tells; `words` are the source's own, where it had any. */
export function failureOfStatus(
  status: number,
  words: { errorType: string; message: string } | undefined,
): RequestFailure {
  const name = STATUS_CODES[status];
  const said = `HTTP ${status}${name === undefined ? '' : ` ${name}`}`;
  const detail = words === undefined ? said : `${words.errorType}: ${words.message}`;
  if (words?.errorType === 'timeout') return failure('timeout', detail, 'split');
  if (status === 401 || status === 403 || status === 407) return failure('auth', said, 'none');
  if (status === 429) return failure('rate-limited', said, 'none');
  if (status === 400 || status === 422) return failure('bad-query', detail, 'split', { refused: true });
  if (status === 413 || status === 414) return failure('bad-query', said, 'split', { refused: true });
  // A method that is not implemented is so for each part too.
  if (status >= 500 && status !== 501) return failure('server', detail, 'split');
  return failure('server', status >= 300 && status < 400 ? `${said}: redirects are not followed` : detail, 'none');
}

/** The failure that a `status: error` with HTTP 200 tells. */
export function failureOfError(errorType: string, message: string): RequestFailure {
  const detail = `${errorType}: ${message}`;
  if (errorType === 'timeout') return failure('timeout', detail, 'split');
  const isQuery = errorType === 'bad_data' || errorType === 'execution' || errorType === '422' || errorType === '400';
  return isQuery ? failure('bad-query', detail, 'split', { refused: true }) : failure('server', detail, 'split');
}

/** The failure that the network or the HTTP parser told. */
export function failureOfException(error: unknown, host: string, answering: boolean): RequestFailure {
  const code = codeOf(error) ?? 'connection failed';
  switch (code) {
    case 'ECONNREFUSED':
      return failure('unreachable', `connection refused (${host})`, 'repeat');
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return failure('unreachable', `host not found (${host})`, 'repeat');
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
      return failure('unreachable', `no connection in time (${host})`, 'repeat');
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_SOCKET': {
      const when = answering ? ' in the middle of the answer' : '';
      return failure('unreachable', `connection closed${when} (${host})`, 'repeat');
    }
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
      return garbled('the answer is shorter than it says');
    default:
      if (code.startsWith('HPE_')) return garbled('the answer is not HTTP');
      return failure('unreachable', `${code} (${host})`, 'repeat');
  }
}

/** A connection that fails for several addresses of a host has an error for each. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') return excerpt(error.code);
  if (error instanceof AggregateError) return codeOf((error.errors as readonly unknown[])[0]);
  return undefined;
}

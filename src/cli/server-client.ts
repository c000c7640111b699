import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from 'undici';
import { splitUserinfo } from '../config/url.ts';
import { messageOf } from '../errors.ts';
import { readError } from './gate-answer.ts';
import type { ClientTls } from './tls-files.ts';

/** The server's answer, or why there is none, as the end of a sentence. */
export type Asked<T> =
  | { readonly kind: 'answer'; readonly answer: T }
  /** `status` where the server answered with an error. */
  | { readonly kind: 'none'; readonly why: string; readonly status?: number };

/** One request, and how to read the body of its 200. */
export interface ServerRequest<T> {
  readonly method: 'GET' | 'POST';
  /** Below the server's URL: `/v1/…`. */
  readonly path: string;
  readonly body?: string;
  /** Another status than 200 that carries an answer too. */
  readonly alsoAnswers?: number;
  /** What is asked for, in a word, for the sentence that says that it is none. */
  readonly what: string;
  /** A text: why it is no such answer. */
  readonly read: (text: string) => T | string;
}

export interface ServerClient {
  ask<T extends object>(request: ServerRequest<T>): Promise<Asked<T>>;
  /** Ends what is being asked too. */
  close(): Promise<void>;
}

export interface ServerClientOptions {
  readonly server: URL;
  /** API key or OIDC token; never part of what is told. */
  readonly token: string | undefined;
  readonly tls: ClientTls;
  /** For all requests together, from now. */
  readonly timeoutMs: number;
  /** Of one answer, as sent. */
  readonly longestAnswerBytes: number;
  /** Told once, when the server cannot be reached and is tried again. */
  readonly onRetry: (why: string) => void;
}

type Attempt<T> =
  | Asked<T>
  /** `afterMs`: as the server says; 0 where it does not. */
  | { readonly kind: 'again'; readonly why: string; readonly afterMs: number; readonly hint?: string };

const connectionsAtOnce = 8;
const firstPauseMs = 200;
const longestPauseMs = 2000;

/**
 * Asks `aegis-server`. A server that is restarting refuses, resets or (behind a proxy) answers 502, 503 or 504 for a
 * while, and one that is asked too often says when to ask again: it is asked again until the time is over. Every other
 * answer is final.
 */
export function createServerClient(options: ServerClientOptions): ServerClient {
  const { server, token, tls, timeoutMs, longestAnswerBytes, onRetry } = options;
  const endMs = performance.now() + timeoutMs;
  const { url, username, password } = splitUserinfo(server);
  const base = url.pathname.replace(/\/$/, '');
  const credentials = Buffer.from(`${username ?? ''}:${password ?? ''}`).toString('base64');
  const headers = {
    'content-type': 'application/json',
    // A cache between us and the server must not answer in its place.
    'cache-control': 'no-cache',
    ...(username !== undefined && { authorization: `Basic ${credentials}` }),
    // A user in the URL is for a proxy, which takes that header.
    ...(token !== undefined &&
      (username === undefined ? { authorization: `Bearer ${token}` } : { 'x-api-key': token })),
  };
  const agent = new Agent({
    connections: connectionsAtOnce,
    connect: { ...tls, timeout: Math.min(2000, timeoutMs) },
    maxResponseSize: longestAnswerBytes,
  });
  const closing = new AbortController();
  let hasRetried = false;

  const attempt = async <T extends object>(request: ServerRequest<T>, signal: AbortSignal): Promise<Attempt<T>> => {
    const { method, path, body } = request;
    const options = { origin: url.origin, headers, signal, method, path: `${base}${path}` };
    try {
      const response = await agent.request(body === undefined ? options : { ...options, body });
      const afterMs = retryAfterMs(response.headers['retry-after']);
      return readResponse(response.statusCode, await response.body.text(), request, afterMs);
    } catch (error) {
      return failureOf(error);
    }
  };

  const ask = async <T extends object>(request: ServerRequest<T>): Promise<Asked<T>> => {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      const result = await withinTime(endMs, (signal) => attempt(request, signal));
      if (result === 'over') return { kind: 'none', why: `${url.host} gave no answer within ${timeoutMs / 1000} s` };
      if (result.kind !== 'again') return result;
      // With a little more, so that many that were told the same do not come back at once.
      const waitMs = Math.max(pauseMs, result.afterMs + Math.random() * pauseMs);
      if (performance.now() + waitMs >= endMs)
        return {
          kind: 'none',
          why: `${result.why}, also when asked again for ${timeoutMs / 1000} s${result.hint ?? ''}`,
        };
      if (!hasRetried) onRetry(result.why);
      hasRetried = true;
      const isOver = await sleep(waitMs, false, { signal: closing.signal }).catch(() => true);
      if (isOver) return { kind: 'none', why: result.why };
    }
  };

  const close = () => {
    closing.abort();
    return agent.destroy();
  };
  return { ask, close };

  function readResponse<T extends object>(
    status: number,
    text: string,
    { what, read, alsoAnswers }: ServerRequest<T>,
    afterMs: number,
  ): Attempt<T> {
    if (status === alsoAnswers) {
      const answer = read(text);
      if (typeof answer !== 'string') return { kind: 'answer', answer };
    }
    if (status === 200) {
      const answer = read(text);
      return typeof answer === 'string'
        ? { kind: 'none', why: `${url.host} answered with something that is no ${what}: ${answer}` }
        : { kind: 'answer', answer };
    }
    const said = readError(text);
    const why = `${url.host} answered ${status}${said === undefined ? '' : `: ${said}`}`;
    if (isPassing(status)) return { kind: 'again', why, afterMs };
    if (said === undefined) return { kind: 'none', why: `${why}, not as aegis-server does: check --server`, status };
    const hint = status === 401 && token === undefined ? ' (set AEGIS_TOKEN, or --token-file)' : '';
    return { kind: 'none', why: `${why}${hint}`, status };
  }

  function failureOf(error: unknown): Attempt<never> {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const known = connectionFailures[code];
    const hint = untrusted.has(code) ? ': trust its authority with --ca-file' : '';
    return known === undefined
      ? { kind: 'none', why: `${url.host} cannot be asked: ${messageOf(error)}${hint}` }
      : { kind: 'again', why: `${url.host} ${known}`, afterMs: 0, ...(known === closed && { hint: hintOfClosed() }) };
  }

  /** What else than a restart closes connections, time and again. */
  function hintOfClosed(): string {
    if (url.protocol === 'http:') return ': does it speak https?';
    return tls.cert === undefined ? ': does it ask for a client certificate (--cert-file, --key-file)?' : '';
  }
}

/** Answers of a server that will answer otherwise soon: too many requests, a restart behind a proxy, an overload. */
function isPassing(status: number): boolean {
  return status === 429 || status === 502 || status === 503 || status === 504;
}

/** The seconds of `Retry-After`; a date, which our server does not send, is as good as none. */
function retryAfterMs(header: string | string[] | undefined): number {
  return typeof header === 'string' && /^\d{1,5}$/.test(header) ? Number(header) * 1000 : 0;
}

const closed = 'closed the connection';

// What a server that is being restarted looks like from outside.
const connectionFailures: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection',
  ECONNRESET: closed,
  EPIPE: closed,
  UND_ERR_SOCKET: closed,
  UND_ERR_CONNECT_TIMEOUT: 'cannot be reached',
  EHOSTUNREACH: 'cannot be reached',
  ENETUNREACH: 'cannot be reached',
  ETIMEDOUT: 'cannot be reached',
  EAI_AGAIN: 'is a name that cannot be looked up now',
};

// A certificate whose authority is none of those that are trusted.
const untrusted: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** Runs until the end of the time: undici hears a signal only once it is connected, so the time is a race. */
async function withinTime<T>(endMs: number, run: (signal: AbortSignal) => Promise<T>): Promise<T | 'over'> {
  const leftMs = Math.max(0, endMs - performance.now());
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<'over'>((resolve) => {
    timer = setTimeout(() => resolve('over'), leftMs);
  });
  try {
    return await Promise.race([run(controller.signal), over]);
  } finally {
    clearTimeout(timer);
    controller.abort();
  }
}

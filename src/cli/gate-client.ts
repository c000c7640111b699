import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from 'undici';
import { splitUserinfo } from '../config/url.ts';
import { messageOf } from '../errors.ts';
import type { GateAnswer, Question } from './gate-answer.ts';
import { readAnswer, readError } from './gate-answer.ts';

/** The server's answer, or why there is none, as the end of a sentence. */
export type Asked =
  { readonly kind: 'answer'; readonly answer: GateAnswer } | { readonly kind: 'none'; readonly why: string };

export interface GateClient {
  ask(question: Question): Promise<Asked>;
  close(): Promise<void>;
}

export interface GateClientOptions {
  readonly server: URL;
  /** For all questions together, from now. */
  readonly timeoutMs: number;
  /** Told once, when the server cannot be reached and is tried again. */
  readonly onRetry: (why: string) => void;
}

type Attempt = Asked | { readonly kind: 'again'; readonly why: string };

const connectionsAtOnce = 8;
const longestAnswerBytes = 1024 * 1024;
const firstPauseMs = 200;
const longestPauseMs = 2000;

/**
 * Asks `aegis-server`. A server that is restarting refuses, resets or (behind a proxy) answers 502, 503 or 504 for a
 * while: it is asked again until the time is over. Every other answer than a decision is final.
 */
export function createGateClient({ server, timeoutMs, onRetry }: GateClientOptions): GateClient {
  const endMs = performance.now() + timeoutMs;
  const { url, username, password } = splitUserinfo(server);
  const base = url.pathname.replace(/\/$/, '');
  const credentials = Buffer.from(`${username ?? ''}:${password ?? ''}`).toString('base64');
  const headers = {
    'content-type': 'application/json',
    // A cache between us and the server must not answer in its place.
    'cache-control': 'no-cache',
    ...(username !== undefined && { authorization: `Basic ${credentials}` }),
  };
  const agent = new Agent({
    connections: connectionsAtOnce,
    connect: { timeout: Math.min(2000, timeoutMs) },
    maxResponseSize: longestAnswerBytes,
  });
  let hasRetried = false;

  const attempt = async (question: Question, signal: AbortSignal): Promise<Attempt> => {
    try {
      const { statusCode, body } = await agent.request({
        origin: url.origin,
        headers,
        signal,
        ...requestOf(base, question),
      });
      return readResponse(statusCode, await body.text(), question);
    } catch (error) {
      return failureOf(error);
    }
  };

  const ask = async (question: Question): Promise<Asked> => {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      const result = await withinTime(endMs, (signal) => attempt(question, signal));
      if (result === 'over') return { kind: 'none', why: `${url.host} gave no answer within ${timeoutMs / 1000} s` };
      if (result.kind !== 'again') return result;
      if (performance.now() + pauseMs >= endMs)
        return { kind: 'none', why: `${result.why}, also when asked again for ${timeoutMs / 1000} s` };
      if (!hasRetried) onRetry(result.why);
      hasRetried = true;
      await sleep(pauseMs);
    }
  };

  return { ask, close: () => agent.destroy() };

  function readResponse(status: number, text: string, question: Question): Attempt {
    if (status === 200) {
      const answer = readAnswer(text, question);
      return typeof answer === 'string'
        ? { kind: 'none', why: `${url.host} answered with something that is no decision: ${answer}` }
        : { kind: 'answer', answer };
    }
    const said = readError(text);
    const why = `${url.host} answered ${status}${said === undefined ? '' : `: ${said}`}`;
    if (status === 502 || status === 503 || status === 504) return { kind: 'again', why };
    return { kind: 'none', why: said === undefined ? `${why}, not as aegis-server does: check --server` : why };
  }

  function failureOf(error: unknown): Attempt {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const known = connectionFailures[code];
    return known === undefined
      ? { kind: 'none', why: `${url.host} cannot be asked: ${messageOf(error)}` }
      : { kind: 'again', why: `${url.host} ${known}` };
  }
}

// What a server that is being restarted looks like from outside.
const connectionFailures: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection',
  ECONNRESET: 'closed the connection',
  EPIPE: 'closed the connection',
  UND_ERR_SOCKET: 'closed the connection',
  UND_ERR_CONNECT_TIMEOUT: 'cannot be reached',
  EHOSTUNREACH: 'cannot be reached',
  ENETUNREACH: 'cannot be reached',
  ETIMEDOUT: 'cannot be reached',
  EAI_AGAIN: 'is a name that cannot be looked up now',
};

function requestOf(base: string, question: Question) {
  if (question.kind === 'state') {
    const path = `${base}/v1/state/${encodeURIComponent(question.service)}/${encodeURIComponent(question.environment)}`;
    return { method: 'GET', path } as const;
  }
  const body = JSON.stringify({ sloID: question.sloId, forceFresh: question.fresh });
  return { method: 'POST', path: `${base}/v1/gate/decision`, body } as const;
}

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

import type { Clock } from '../../../clock.ts';
import type { PrometheusSettings } from '../../../config/settings.ts';
import { createConnection } from '../connection.ts';
import { requestHeaders } from '../credentials.ts';
import { decodeAnswer } from '../decode.ts';
import { exchange, type Exchanged, type Method } from '../exchange.ts';
import { failureOfError, failureOfStatus, garbled, noCredentials, timedOut, type RequestFailure } from '../failure.ts';
import { masked, secretsIn, withoutSecrets } from '../secrets.ts';
import { inquiriesFor, type Inquiry } from '../union.ts';
import { readStatistics, resultTypeOf, type QueryStatistics } from './statistics.ts';

export type LiveAnswer =
  | {
      readonly kind: 'answer';
      /** The values of each expression's series, by its name. */
      readonly values: Readonly<Record<string, readonly number[]>>;
      readonly warnings: readonly string[];
      readonly statistics: QueryStatistics;
    }
  | { readonly kind: 'failed'; readonly failure: RequestFailure };

/** A server that is asked about queries before they are trusted. Each question is asked once. */
export interface LiveSource {
  /** One query as it stands, at an instant. Never rejects. */
  askQuery(promql: string, atMs: number, signal: AbortSignal): Promise<LiveAnswer>;
  /** Several expressions, each an instant vector, in one request. Never rejects. */
  askAll(expressions: Readonly<Record<string, string>>, atMs: number, signal: AbortSignal): Promise<LiveAnswer>;
  close(): Promise<void>;
}

export function createLiveSource(settings: PrometheusSettings, clock: Clock): LiveSource {
  const connection = createConnection(settings);
  // A proxy may refuse POST; what it takes instead is remembered.
  let method: Method = 'POST';

  const ask = async (inquiry: Inquiry, atMs: number, signal: AbortSignal): Promise<LiveAnswer> => {
    const [headers, pool] = await Promise.all([requestHeaders(settings), connection.pool()]);
    if (headers.kind === 'failed') return failed(noCredentials(headers.detail));
    if (pool.kind === 'failed') return failed(noCredentials(pool.detail));
    const { timeoutMs, url } = settings;
    const form = new URLSearchParams({
      query: inquiry.promql,
      time: (atMs / 1000).toFixed(3),
      timeout: `${timeoutMs}ms`,
      stats: 'all',
    });
    const ending = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const once = (by: Method) =>
      exchange(pool.pool, { method: by, url, form, headers: headers.headers, compressed: true }, ending);
    const startedMs = clock.now().monotonicMs;
    let exchanged = await once(method);
    if (method === 'POST' && refusesMethod(exchanged)) {
      const second = await once('GET');
      if (second.kind === 'http' && second.status === 200) method = 'GET';
      if (!refusesMethod(second)) exchanged = second;
    }
    const tookMs = clock.now().monotonicMs - startedMs;
    if (ending.aborted) return failed(timedOut(`no answer within ${timeoutMs / 1000}s`));
    const answer = read(exchanged, inquiry, atMs, tookMs);
    const secrets = [...headers.secrets, ...secretsIn(url)];
    if (answer.kind === 'failed') return failed(withoutSecrets(answer.failure, secrets));
    return { ...answer, warnings: answer.warnings.map((text) => masked(text, secrets)) };
  };

  return {
    askQuery: (promql, atMs, signal) => ask(inquiryOf({ query: promql }, true), atMs, signal),
    askAll: (expressions, atMs, signal) => ask(inquiryOf(expressions, false), atMs, signal),
    close: () => connection.close(),
  };
}

function inquiryOf(expressions: Readonly<Record<string, string>>, asItStands: boolean): Inquiry {
  const parts = Object.entries(expressions).map(
    ([tag, promql]) => ({ tag, promql, role: 'points', type: 'vector' }) as const,
  );
  const [inquiry, ...others] = inquiriesFor([{ group: 'live', parts, asItStands }]);
  if (inquiry === undefined || others.length > 0) throw new Error('a question that is no single request');
  return inquiry;
}

function refusesMethod(exchanged: Exchanged): boolean {
  return exchanged.kind === 'http' && [403, 405, 501].includes(exchanged.status);
}

function unusable(detail: string): RequestFailure {
  return { reason: 'bad-query', detail, remedy: 'none', refused: false, asked: true };
}

function failed(failure: RequestFailure): LiveAnswer {
  return { kind: 'failed', failure };
}

function read(exchanged: Exchanged, inquiry: Inquiry, atMs: number, tookMs: number): LiveAnswer {
  if (exchanged.kind === 'failed') return exchanged;
  const { status, body } = exchanged;
  const type = status === 200 ? resultTypeOf(body) : undefined;
  if (type === 'matrix' || type === 'string') return failed(unusable(`it gives a ${type}, not a vector or a scalar`));
  const decoded = decodeAnswer(body, inquiry, atMs);
  if (status !== 200) return failed(failureOfStatus(status, decoded.kind === 'error' ? decoded : undefined));
  if (decoded.kind === 'error') return failed(failureOfError(decoded.errorType, decoded.message));
  if (decoded.kind === 'malformed') return failed(garbled(decoded.detail));
  const values: Record<string, readonly number[]> = {};
  for (const [tag, part] of decoded.parts) {
    if (part.kind === 'malformed') return failed(garbled(part.detail));
    values[tag] = part.values;
  }
  return { kind: 'answer', values, warnings: decoded.warnings, statistics: readStatistics(body, tookMs) };
}

import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Dispatcher, Pool } from 'undici';
import { failureOfException, garbled, tooLarge, type RequestFailure } from './failure.ts';

export type Method = 'POST' | 'GET';

export interface HttpAnswer {
  readonly kind: 'http';
  readonly status: number;
  readonly body: string;
  readonly date: string | undefined;
  readonly retryAfter: string | undefined;
}

export type Exchanged = HttpAnswer | { readonly kind: 'failed'; readonly failure: RequestFailure };

/** Bytes of an answer, as sent and decompressed. */
const largestAnswer = 10 * 1024 * 1024;

const gunzipped = promisify(gunzip);

/** Bytes of the pieces in which an answer is decompressed. */
const [smallestPiece, largestPiece] = [4 * 1024, 64 * 1024];

interface Request {
  readonly method: Method;
  readonly url: URL;
  readonly form: URLSearchParams;
  readonly headers: object;
  /** The answer may be. */
  readonly compressed: boolean;
}

/** One HTTP exchange, to the end of its answer. Never rejects; the signal ends it once it is connected. */
export async function exchange(pool: Pool, request: Request, signal: AbortSignal): Promise<Exchanged> {
  let answering = false;
  try {
    const response = await pool.request({ ...optionsFor(request), signal });
    answering = true;
    const wire = await readBounded(response.body);
    if (wire === 'too large') return { kind: 'failed', failure: tooLarge(exceeded) };
    const body = await decompressed(wire, headerOf(response, 'content-encoding'));
    if (typeof body !== 'string') return { kind: 'failed', failure: body };
    const [date, retryAfter] = [headerOf(response, 'date'), headerOf(response, 'retry-after')];
    return { kind: 'http', status: response.statusCode, body, date, retryAfter };
  } catch (error) {
    return { kind: 'failed', failure: failureOfException(error, request.url.host, answering) };
  }
}

const exceeded = `the answer exceeds ${largestAnswer / 1024 / 1024} MB`;

/** The path and query of the URL stay as they are; a GET's parameters come after them. */
function optionsFor({ method, url, form, headers, compressed }: Request): Dispatcher.RequestOptions {
  const path = `${url.pathname.replace(/\/+$/, '')}/api/v1/query`;
  const accepts = { accept: 'application/json', 'accept-encoding': compressed ? 'gzip' : 'identity' };
  if (method === 'GET') {
    const query = [url.search.slice(1), form.toString()].filter((text) => text !== '').join('&');
    return { method, path: `${path}?${query}`, headers: { ...accepts, ...headers } };
  }
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  return { method, path: `${path}${url.search}`, headers: { ...accepts, ...type, ...headers }, body: form.toString() };
}

async function readBounded(body: AsyncIterable<Uint8Array>): Promise<Buffer | 'too large'> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    // Leaving the loop destroys the stream.
    if (length > largestAnswer) return 'too large';
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function decompressed(wire: Buffer, encoding: string | undefined): Promise<string | RequestFailure> {
  if (encoding === undefined || encoding === 'identity') return wire.toString();
  if (encoding !== 'gzip')
    return garbled(`the answer is compressed by ${encoding.slice(0, 20)}, which was not asked for`);
  try {
    return (await gunzipped(wire, { maxOutputLength: largestAnswer, chunkSize: pieceFor(wire) })).toString();
  } catch (error) {
    const isTooLarge = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
    return isTooLarge ? tooLarge(exceeded) : garbled('the compressed answer is damaged');
  }
}

/**
 * One piece for a usual answer, of the length that stands at the end of a gzip stream (RFC 1952, ISIZE): memory that was
 * taken for more is held until garbage is collected. A length that is not true costs pieces more, or a larger one.
 */
function pieceFor(wire: Buffer): number {
  const length = wire.length < 4 ? 0 : wire.readUInt32LE(wire.length - 4);
  return Math.min(Math.max(length + 1, smallestPiece), largestPiece);
}

function headerOf(response: Dispatcher.ResponseData, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

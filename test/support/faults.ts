import type { ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

/** What the real Prometheus answered, read whole. */
export interface RealAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

export interface FaultOptions {
  /** Of an `http-429`. */
  readonly retryAfter?: string;
  /** Before the first byte, for `slow`. */
  readonly delayMs?: number;
  /** For faults of values: only the series with these labels are spoilt. */
  readonly spoils?: (labels: Readonly<Record<string, string>>) => boolean;
  /** For `slow`: what the first byte waits for, before the delay. */
  readonly until?: Promise<unknown>;
}

interface Exchange {
  readonly response: ServerResponse;
  readonly options: FaultOptions;
  /** Asks the real Prometheus; uncompressed. */
  readonly real: () => Promise<RealAnswer>;
}

type Behaviour = (exchange: Exchange) => void | Promise<void>;

/** A sample of a decoded answer, to be spoilt. */
type Sample = { metric: Record<string, string>; value?: unknown };

/** Ways of spoiling each value of a good answer. */
const values = {
  nan: 'NaN',
  inf: '+Inf',
  'minus-inf': '-Inf',
  negative: '-5',
  'empty-value': '',
  'null-value': null,
  'junk-value': '100abc',
  'number-value': 100,
} as const;

/** Fields put into a good answer: the forms of Prometheus 2 and 3, Thanos and VictoriaMetrics. */
const additions = {
  warnings: { warnings: ['store 10.0.0.7:10901 did not answer'] },
  'promql-warning': { warnings: ['PromQL warning: bucket label "le" is missing'] },
  'promql-info-as-warning': { warnings: ['PromQL info: metric might not be a counter'] },
  infos: { infos: ['PromQL info: metric might not be a counter'] },
  'is-partial': { isPartial: true },
} as const;

const samples = {
  'missing-value': (all: Sample[]) => all.map(({ metric }) => ({ metric })),
  'duplicate-series': (all: Sample[]) => [...all, ...all],
  'no-series': () => [],
} as const;

const wholeAnswers = {
  html: ['text/html', '<html><body>Please sign in</body></html>'],
  'empty-body': ['application/json', ''],
  'json-null': ['application/json', 'null'],
  'broken-json': ['application/json', '{"status":"success","data":{"resultType":"vec'],
  'wrong-type': ['application/json', '{"status":"success","data":{"resultType":"matrix","result":[]}}'],
  'no-data-field': ['application/json', '{"status":"success"}'],
  'status-error': ['application/json', '{"status":"error","errorType":"execution","error":"query is too hard"}'],
} as const;

const connections = {
  /** Accepts the request and never answers. */
  silent: () => undefined,
  /** Closes the connection before a byte. */
  reset: ({ response }: Exchange) => void response.socket?.resetAndDestroy(),
  /** Announces more than it sends, then closes. */
  truncated: async ({ response, real }: Exchange) => {
    const { body } = await real();
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
    response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.socket?.resetAndDestroy());
  },
  slow: async ({ response, real, options }: Exchange) => {
    const answer = await real();
    await options.until;
    later(options.delayMs ?? 1_000, response, () => {
      sendReal(response, answer);
    });
  },
  /** A byte each 50 ms, without end. */
  trickle: ({ response }: Exchange) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    endlessly(response, 50, '{"status":"success","data":{"resultType":"vector","result":['.padEnd(1e5));
  },
  endless: ({ response }: Exchange) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const block = Buffer.alloc(1 << 20, ' ');
    const more = () => {
      while (!response.destroyed && response.write(block));
    };
    response.on('drain', more);
    more();
  },
  'gzip-bomb': async ({ response }: Exchange) => {
    const body = await bomb();
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(body);
  },
  'redirect-loop': ({ response }: Exchange) =>
    void response.writeHead(302, { location: '/api/v1/query?token=in-the-redirect' }).end(),
  /** The clock of the source is half an hour slow. */
  'slow-clock': async ({ response, real }: Exchange) => {
    const answer = await real();
    const date = new Date(Date.now() - 30 * 60_000).toUTCString();
    sendReal(response, { ...answer, headers: { ...answer.headers, date } });
  },
  'no-date': async ({ response, real }: Exchange) => {
    response.sendDate = false;
    sendReal(response, await real());
  },
} satisfies Record<string, Behaviour>;

type NamedFault =
  | keyof typeof values
  | keyof typeof additions
  | keyof typeof samples
  | keyof typeof wholeAnswers
  | keyof typeof connections;

/** `refuse` closes the port; `http-503` answers with that status; the others are named for what goes wrong. */
export type Fault = 'pass' | 'refuse' | `http-${number}` | NamedFault;

/** The faults in which a request is taken, and answered wrongly or not at all. */
export type AnsweredFault = Exclude<Fault, 'pass' | 'refuse'>;

/** What the proxy does in place of passing a request on. */
export function behaviourOf(fault: AnsweredFault): Behaviour {
  if (isKeyOf(values, fault))
    return respoil((all, { spoils }) =>
      all.map((one) => ((spoils?.(one.metric) ?? true) ? { ...one, value: [0, values[fault]] } : one)),
    );
  if (isKeyOf(samples, fault)) return respoil(samples[fault]);
  if (isKeyOf(additions, fault))
    return async ({ response, real }) => sendJson(response, { ...(await decoded(real)), ...additions[fault] });
  if (isKeyOf(connections, fault)) return connections[fault];
  if (isKeyOf(wholeAnswers, fault)) {
    const [type, body] = wholeAnswers[fault];
    return ({ response }) => void response.writeHead(200, { 'content-type': type }).end(body);
  }
  return ({ response, options }) => {
    const headers = options.retryAfter === undefined ? {} : { 'retry-after': options.retryAfter };
    response.writeHead(Number(fault.slice('http-'.length)), { 'content-type': 'text/plain', ...headers }).end('no');
  };
}

function isKeyOf<T extends object>(table: T, key: PropertyKey): key is keyof T {
  return Object.hasOwn(table, key);
}

interface Decoded {
  data?: { result: Sample[] };
}

async function decoded(real: Exchange['real']): Promise<Decoded> {
  return JSON.parse((await real()).body.toString()) as Decoded;
}

/** Keeps the instants, so that nothing but the fault is wrong. */
function respoil(change: (all: Sample[], options: FaultOptions) => Sample[]): Behaviour {
  return async ({ response, real, options }) => {
    const answer = await decoded(real);
    if (answer.data === undefined) {
      sendJson(response, answer);
      return;
    }
    const before = answer.data.result;
    const at = before.map((sample) => (Array.isArray(sample.value) ? (sample.value[0] as unknown) : 0));
    const result = change(before, options).map((sample, index) =>
      Array.isArray(sample.value) ? { ...sample, value: [at[index % at.length], sample.value[1]] } : sample,
    );
    sendJson(response, { ...answer, data: { ...answer.data, result } });
  };
}

function sendJson(response: ServerResponse, answer: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
}

export function sendReal(response: ServerResponse, { status, headers, body }: RealAnswer): void {
  response.writeHead(status, headers).end(body);
}

function later(ms: number, response: ServerResponse, act: () => void): void {
  const timer = setTimeout(act, ms);
  response.on('close', () => clearTimeout(timer));
}

function endlessly(response: ServerResponse, everyMs: number, text: string): void {
  let at = 0;
  const timer = setInterval(() => response.write(text[at++ % text.length]), everyMs);
  response.on('close', () => clearInterval(timer));
}

let compressed: Promise<Buffer> | undefined;

/** 100 MB of spaces in half a megabyte. Made outside of the event loop, which is that of the program under test. */
export function bomb(): Promise<Buffer> {
  compressed ??= promisify(gzip)(Buffer.alloc(100 << 20, ' '));
  return compressed;
}

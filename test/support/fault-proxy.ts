import { once } from 'node:events';
import { createServer, request, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { portOf } from './exporter.ts';
import {
  behaviourOf,
  bomb,
  sendReal,
  type AnsweredFault,
  type Fault,
  type FaultOptions,
  type RealAnswer,
} from './faults.ts';

export interface SeenRequest {
  readonly method: string;
  /** Path and query as they came. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Parameters of the path's query and of the form. */
  readonly parameters: URLSearchParams;
  /** The client's port: requests of one connection have the same. */
  readonly fromPort: number | undefined;
  /** When it was read, epoch milliseconds. */
  readonly atMs: number;
}

export interface HandledRequest extends SeenRequest {
  /** What happened in place of the real answer. */
  readonly struckBy: AnsweredFault | undefined;
}

export interface FaultyWhen extends FaultOptions {
  /** Only these requests fail; `index` counts from 0 since the fault was set. Default: all. */
  readonly when?: (seen: SeenRequest, index: number) => boolean;
}

/** A fault for the requests whose query contains a text; `when` is asked, and counts, these alone. */
export interface QueryFault extends FaultyWhen {
  readonly about: string;
  readonly fault: AnsweredFault;
}

/** An HTTP proxy before a metrics source that fails in the ways that networks, proxies and servers fail. */
export interface FaultProxy {
  readonly url: string;
  readonly port: number;
  /** Every request since the start, or since `forget`. */
  readonly seen: readonly HandledRequest[];
  forget(): void;
  /** What happens from now on; requests under way go on as they began. */
  set(fault: Fault, options?: FaultyWhen): Promise<void>;
  /** Several faults side by side, each for its own queries; all other requests pass. */
  setEach(faults: readonly QueryFault[]): Promise<void>;
  close(): Promise<void>;
}

export async function startFaultProxy(targetUrl: string): Promise<FaultProxy> {
  const target = new URL(targetUrl);
  let strikeOf: StrikeOf = () => undefined;
  const seen: HandledRequest[] = [];

  const server = createServer((incoming, response) => {
    void answer(incoming, response).catch(() => response.socket?.resetAndDestroy());
  });
  const answer = async (incoming: IncomingMessage, response: ServerResponse) => {
    const body = await readWhole(incoming);
    const one = describe(incoming, body);
    const strike = strikeOf(one);
    seen.push({ ...one, struckBy: strike?.fault });
    if (strike === undefined) {
      sendReal(response, await forward(target, incoming, body, {}));
      return;
    }
    const real = () => forward(target, incoming, body, { 'accept-encoding': 'identity' });
    await behaviourOf(strike.fault)({ response, options: strike.options, real });
  };

  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  const reopen = async () => {
    if (!server.listening) await listen(port);
  };
  await listen(0);
  const port = portOf(server);
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    seen,
    forget: () => void seen.splice(0),
    async set(fault, options = {}) {
      if (fault === 'gzip-bomb') await bomb();
      strikeOf = fault === 'pass' || fault === 'refuse' ? () => undefined : counting(fault, options);
      if (fault !== 'refuse') await reopen();
      else if (server.listening) await shut(server);
    },
    async setEach(faults) {
      if (faults.some(({ fault }) => fault === 'gzip-bomb')) await bomb();
      const each = faults.map((one) => ({ about: one.about, strike: counting(one.fault, one) }));
      strikeOf = (request) => {
        const query = request.parameters.get('query') ?? '';
        return each.find(({ about }) => query.includes(about))?.strike(request);
      };
      await reopen();
    },
    async close() {
      if (server.listening) await shut(server);
    },
  };
}

type StrikeOf = (request: SeenRequest) => { readonly fault: AnsweredFault; readonly options: FaultOptions } | undefined;

function counting(fault: AnsweredFault, options: FaultyWhen): StrikeOf {
  let index = 0;
  return (request) => ((options.when?.(request, index++) ?? true) ? { fault, options } : undefined);
}

async function shut(server: ReturnType<typeof createServer>): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

function describe(incoming: IncomingMessage, body: Buffer): SeenRequest {
  const path = incoming.url ?? '/';
  const parameters = new URL(path, 'http://proxy').searchParams;
  for (const [key, value] of new URLSearchParams(body.toString())) parameters.append(key, value);
  const { method = '', headers, socket } = incoming;
  return { method, path, headers, parameters, fromPort: socket.remotePort, atMs: Date.now() };
}

async function forward(
  target: URL,
  { method, url, headers }: IncomingMessage,
  body: Buffer,
  override: Record<string, string>,
): Promise<RealAnswer> {
  const kept = without(headers, 'host', 'connection');
  const outgoing = request(new URL(url ?? '/', target), { agent: false, method, headers: { ...kept, ...override } });
  outgoing.end(body);
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
  return {
    status: answer.statusCode ?? 502,
    headers: without(answer.headers, 'transfer-encoding', 'connection'),
    body: await readWhole(answer),
  };
}

function without(headers: IncomingHttpHeaders, ...names: readonly string[]): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) => !names.includes(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, String(value)]));
}

async function readWhole(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

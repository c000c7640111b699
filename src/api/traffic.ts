import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { Server as NetServer, type Socket } from 'node:net';
import type { CertificateSource } from '../tls/ports.ts';
import { createConnections, type Closing, type Connection } from './limits/connections.ts';
import { limits } from './limits/fixed.ts';
import { createReaders, waitsForItsClient } from './limits/readers.ts';

/** What is under way on the server's sockets. */
export interface Traffic {
  /** Requests since the start. */
  requests(): number;
  /** Those whose response has not closed. */
  openRequests(): number;
  /** Connections that are held. */
  connections(): number;
  /** Connections that were closed to protect the others. */
  closed(): Readonly<Record<Closing, number>>;
  /** Whether a socket is of the admin socket, which only the server's own user can open. */
  isAdmin(socket: Socket): boolean;
  /** Whether an answer is being sent on this socket, into which nothing else may be written. */
  isAnswering(socket: Socket): boolean;
  /** The response that is open on this socket, if any. */
  openOn(socket: Socket): ServerResponse | undefined;
  /** Aborts when no new connections are taken: what would go on for long ends then. */
  readonly stopping: AbortSignal;
  /** Takes no new connections; every answer from now on ends its connection. */
  refuseNew(): void;
  /** Ends every connection, also those without a request, such as one in the midst of its TLS handshake. */
  cutOff(): void;
}

export interface TrafficOptions {
  /** Connections of clients that are held at once. */
  readonly maxConnections: number;
  /** Without it the server speaks plain HTTP. */
  readonly certificates?: CertificateSource | undefined;
  /** A client that did not come through the TLS handshake; its socket is gone already. */
  readonly onHandshakeError: (error: Error, address: string) => void;
}

/** Makes the HTTP server and counts what goes through it: by the response's `close`, which also comes when a client has gone. */
export function createTraffic(options: TrafficOptions): {
  traffic: Traffic;
  serve: (listener: RequestListener) => Server;
  /** The same for a Unix socket: without TLS, and its connections are known as the admin's. */
  serveAdmin: (listener: RequestListener) => Server;
} {
  const open = new Set<ServerResponse>();
  const servers: Server[] = [];
  const adminSockets = new WeakSet<Socket>();
  const stopping = new AbortController();
  let requests = 0;
  const connections = createConnections({ limit: options.maxConnections, slowest: oldestSlow });
  const readers = createReaders(open, (response, why) => {
    const connection = connectionOf(response);
    if (connection === undefined) response.destroy();
    else connections.close(connection, why);
  });

  function connectionOf({ socket }: ServerResponse): Connection | undefined {
    return socket === null ? undefined : connections.of(socket);
  }

  /** That of the oldest request that waits for its client: to send the rest of it, or to read the answer. */
  function oldestSlow(isMeant: (connection: Connection) => boolean): Connection | undefined {
    for (const response of open) {
      if (response.req.complete && !waitsForItsClient(response)) continue;
      const connection = connectionOf(response);
      if (connection !== undefined && isMeant(connection)) return connection;
    }
    return undefined;
  }

  /** Every server, whatever it listens on, hands its requests over here. */
  function counting(listener: RequestListener): RequestListener {
    return (request: IncomingMessage, response: ServerResponse) => {
      const { socket } = request;
      if (socket.destroyed) return; // the rest of a burst of requests, of which one was too many
      const connection = connections.of(socket);
      if (connection !== undefined) {
        connections.begin(connection);
        if (connection.open > limits.pipelined) {
          connections.close(connection, 'pipelining');
          return;
        }
      }
      requests += 1;
      open.add(response);
      if (stopping.signal.aborted) response.shouldKeepAlive = false;
      // It comes once.
      response.on('close', () => {
        open.delete(response);
        if (connection !== undefined) connections.end(connection);
      });
      listener(request, response);
    };
  }

  const followed = (server: Server): Server => {
    server.on('connection', (socket) => connections.add(socket));
    server.on('secureConnection', (socket: Socket) => connections.secure(socket));
    server.on('listening', () => readers.watch());
    server.on('close', () => readers.stop());
    servers.push(server);
    return server;
  };
  const serve = (listener: RequestListener) => followed(limitedServer(counting(listener), options));
  const serveAdmin = (listener: RequestListener) => {
    const server = limitedServer(counting(listener), { ...options, certificates: undefined });
    server.on('connection', (socket) => {
      adminSockets.add(socket);
      // Such a connection has no address; whatever counts or logs by address finds this one.
      Object.defineProperty(socket, 'remoteAddress', { value: 'unix' });
    });
    return followed(server);
  };

  const traffic: Traffic = {
    requests: () => requests,
    openRequests: () => open.size,
    connections: () => connections.count(),
    closed: () => connections.closed(),
    isAdmin: (socket) => adminSockets.has(socket),
    isAnswering: (socket) => [...open].some((response) => response.socket === socket && response.headersSent),
    openOn: (socket) => [...open].find((response) => response.socket === socket),
    stopping: stopping.signal,
    refuseNew: () => {
      stopping.abort();
      for (const response of open) response.shouldKeepAlive = false;
      // http's own close() would also cut idle connections at once, and with them a request that is just arriving.
      for (const server of servers) if (server.listening) NetServer.prototype.close.call(server);
    },
    cutOff: () => connections.closeAll(),
  };
  return { traffic, serve, serveAdmin };
}

const serverOptions: ServerOptions = {
  headersTimeout: limits.headersTimeoutMs,
  requestTimeout: limits.requestTimeoutMs,
  connectionsCheckingInterval: limits.checkIntervalMs,
  keepAliveTimeout: limits.keepAliveTimeoutMs,
  // Node's own answer to an absent Host header has no body; the request is refused in our form instead.
  requireHostHeader: false,
  noDelay: true,
};

function limitedServer(listener: RequestListener, options: TrafficOptions): Server {
  const { certificates } = options;
  const server =
    certificates === undefined
      ? createServer(serverOptions, listener)
      : secureServer(listener, certificates, options.onHandshakeError);
  // An unknown expectation is ignored: Node's own answer to it, 417, has no body.
  server.on('checkExpectation', listener);
  // Beyond, Node drops headers silently. One more than allowed is kept, to be seen and refused.
  server.maxHeadersCount = limits.headers + 1;
  return server;
}

function secureServer(
  listener: RequestListener,
  certificates: CertificateSource,
  onHandshakeError: TrafficOptions['onHandshakeError'],
): Server {
  const { isMutual } = certificates;
  const server = createSecureServer(
    {
      ...serverOptions,
      ...certificates.current(),
      handshakeTimeout: limits.handshakeTimeoutMs,
      requestCert: isMutual,
      rejectUnauthorized: isMutual,
    },
    listener,
  );
  // Connections that are open keep the certificate that they began with.
  certificates.onChange(() => server.setSecureContext(certificates.current()));
  // https's own listener would answer in HTTP, which nobody could read.
  server.removeAllListeners('tlsClientError');
  server.on('tlsClientError', (error, socket) => {
    const address = socket.remoteAddress ?? 'a client that has gone';
    socket.destroy();
    onHandshakeError(error, address);
  });
  return server;
}

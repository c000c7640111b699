import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';

/** Bounds on a connection; against clients that send or read slowly, or never end. */
const limits = {
  /** From connecting (or from a request's first byte) to the end of its headers. */
  headersTimeoutMs: 10_000,
  /** To the end of its body. */
  requestTimeoutMs: 15_000,
  /** How often the two above are looked at. */
  checkIntervalMs: 1_000,
  /** Longer than the 60 s after which load balancers usually close, so that it is they who close an idle connection. */
  keepAliveTimeoutMs: 72_000,
  /** Without a byte in either direction; longer than an evaluation may take. */
  inactivityMs: 120_000,
  connections: 8_192,
} as const;

/** What is under way on the server's sockets. */
export interface Traffic {
  /** Requests since the start. */
  requests(): number;
  /** Those whose response has not closed. */
  openRequests(): number;
  /** Whether an answer is being sent on this socket, into which nothing else may be written. */
  isAnswering(socket: Socket): boolean;
  /** The response that is open on this socket, if any. */
  openOn(socket: Socket): ServerResponse | undefined;
  /** Takes no new connections; every answer from now on ends its connection. */
  refuseNew(): void;
}

/** Makes the HTTP server and counts what goes through it: by the response's `close`, which also comes when a client has gone. */
export function createTraffic(): { traffic: Traffic; serve: (listener: RequestListener) => Server } {
  const open = new Set<ServerResponse>();
  let server: Server | undefined;
  let refusing = false;
  let requests = 0;

  const serve = (listener: RequestListener): Server => {
    const counted: RequestListener = (request, response) => {
      requests += 1;
      open.add(response);
      if (refusing) response.shouldKeepAlive = false;
      response.once('close', () => open.delete(response));
      listener(request, response);
    };
    server = limitedServer(counted);
    return server;
  };

  const traffic: Traffic = {
    requests: () => requests,
    openRequests: () => open.size,
    isAnswering: (socket) => [...open].some((response) => response.socket === socket && response.headersSent),
    openOn: (socket) => [...open].find((response) => response.socket === socket),
    refuseNew: () => {
      refusing = true;
      for (const response of open) response.shouldKeepAlive = false;
      // http's own close() would also cut idle connections at once, and with them a request that is just arriving.
      if (server?.listening) NetServer.prototype.close.call(server);
    },
  };
  return { traffic, serve };
}

function limitedServer(listener: RequestListener): Server {
  const server = createServer(
    {
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      connectionsCheckingInterval: limits.checkIntervalMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      // Node's own answer to an absent Host header has no body; the request is refused in our form instead.
      requireHostHeader: false,
      noDelay: true,
    },
    listener,
  );
  // An unknown expectation is ignored: Node's own answer to it, 417, has no body.
  server.on('checkExpectation', listener);
  server.setTimeout(limits.inactivityMs);
  server.maxConnections = limits.connections;
  return server;
}

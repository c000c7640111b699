/** Bounds on a connection and on one request; against clients that send or read slowly, or never end. */
export const limits = {
  /** From connecting (or from a request's first byte) to the end of its headers. */
  headersTimeoutMs: 10_000,
  /** To the end of its body. */
  requestTimeoutMs: 15_000,
  /** How often the two above are looked at. */
  checkIntervalMs: 1_000,
  /** Longer than the 60 s after which load balancers usually close, so that it is they who close an idle connection. */
  keepAliveTimeoutMs: 72_000,
  /** From connecting to the end of the TLS handshake. */
  handshakeTimeoutMs: 10_000,
  /** From the end of an answer to its last byte having left: for those who do not read what they asked for. */
  readingTimeoutMs: 30_000,
  /** Bytes of answers that nobody reads, of all clients; beyond, the oldest answers go. */
  unreadBytes: 64 * 1024 * 1024,
  /** Header lines of one request. */
  headers: 100,
  /** Bytes of a body, where a route does not say otherwise. */
  bodyBytes: 64 * 1024,
  /** Requests of one connection that wait for their answers: one sent without waiting for the last (pipelining). */
  pipelined: 32,
} as const;

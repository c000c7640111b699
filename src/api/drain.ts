import type { FastifyInstance } from 'fastify';
import type { Clock } from '../clock.ts';

/** A request that had been sent already, but not read when the last answer went out, arrives within this time. */
const quietMs = 100;

export interface Drained {
  /** Requests that were still open at the bound and were cut off. */
  readonly cutOff: number;
}

/**
 * Ends the serving of requests: new connections are refused, answers carry `connection: close`, what was accepted is
 * answered. When no request is open, or at the bound, the remaining sockets are closed, whoever holds them: idle
 * keep-alive connections, half-open ones, slow clients. Fastify's close alone waits for those for ever.
 */
export async function drain(app: FastifyInstance, options: { boundMs: number; clock: Clock }): Promise<Drained> {
  const { traffic } = app;
  traffic.refuseNew();
  const isQuiet = new AbortController();
  await Promise.race([traffic.quiet(quietMs), options.clock.sleep(options.boundMs, isQuiet.signal)]);
  isQuiet.abort();
  const cutOff = traffic.openRequests();
  traffic.closeAll();
  await app.close();
  return { cutOff };
}

import { setTimeout as pause } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../clock.ts';
import type { Traffic } from './traffic.ts';

// A client that has just been answered, without `connection: close`, may have its next request on the way already.
// Several looks rather than one long pause, so that a process which gets no CPU for a while does not take its own
// deafness for silence.
const looks = 5;
const pauseMs = 20;

export interface Drained {
  /** Requests that were still open at the bound and were cut off. */
  readonly cutOff: number;
}

/**
 * Ends the serving of requests: new connections are refused, answers carry `connection: close`, what was accepted is
 * answered. When no request is open, or at the bound, the remaining sockets are closed, whoever holds them: idle
 * keep-alive connections, half-open ones, slow clients.
 */
export async function drain(app: FastifyInstance, options: { boundMs: number; clock: Clock }): Promise<Drained> {
  const { traffic } = app;
  traffic.refuseNew();
  await quietOrBound(traffic, options);
  const cutOff = traffic.openRequests();
  traffic.cutOff();
  await app.close(); // cuts every socket, as `forceCloseConnections` says
  return { cutOff };
}

async function quietOrBound(traffic: Traffic, { boundMs, clock }: { boundMs: number; clock: Clock }): Promise<void> {
  const endMs = clock.now().monotonicMs + boundMs;
  let quietLooks = 0;
  while (quietLooks < looks && clock.now().monotonicMs < endMs) {
    const seen = traffic.requests();
    await pause(pauseMs); // unlike the clock's sleep it keeps the process alive: there is work to do after it
    const isQuiet = traffic.openRequests() === 0 && traffic.requests() === seen;
    quietLooks = isQuiet ? quietLooks + 1 : 0;
  }
}

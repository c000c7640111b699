import type { FastifyRequest } from 'fastify';
import type { Refusal } from '../access/ports.ts';
import type { ApiDeps } from './deps.ts';

// So many lines in a window, whoever asks: a flood must not fill the disk.
const mostLines = 60;
const windowMs = 60_000;

/** Logs `auth_failed`; what is left out of the log is counted, and told at the end of the minute. */
export function createFailureLog({ log, clock }: Pick<ApiDeps, 'log' | 'clock'>) {
  let endMs = 0;
  let lines = 0;
  let suppressed = 0;

  function tellSuppressed(): void {
    log.warn('auth_failed', { component: 'api', suppressed, window_seconds: windowMs / 1000 });
    suppressed = 0;
  }

  return ({ ip, id, method, routeOptions }: FastifyRequest, reason: Refusal): void => {
    const nowMs = clock.now().monotonicMs;
    if (nowMs >= endMs) {
      endMs = nowMs + windowMs;
      lines = 0;
    }
    lines += 1;
    if (lines <= mostLines) {
      const route = `${method} ${routeOptions.url ?? ''}`;
      log.warn('auth_failed', { component: 'api', reason, address: ip, route, request_id: id });
      return;
    }
    if (suppressed === 0) void clock.sleep(endMs - nowMs).then(tellSuppressed);
    suppressed += 1;
  };
}

import type { FastifyRequest } from 'fastify';
import type { ApiDeps } from './deps.ts';

/** Writes an order down, to the audit and to the log. To be called when it was carried out. */
export type RecordOrder = (
  request: FastifyRequest,
  parameters: Readonly<Record<string, string>>,
  outcome: string,
) => void;

export function orderRecorder({
  recordOrder,
  clock,
  log,
}: Pick<ApiDeps, 'recordOrder' | 'clock' | 'log'>): RecordOrder {
  return (request, parameters, outcome) => {
    const order = `${request.method} ${request.routeOptions.url ?? ''}`;
    const atMs = clock.now().wallMs;
    const caller = request.identity.name;
    recordOrder({ atMs, order, parameters, outcome, caller, address: request.ip, requestId: request.id });
    log.warn('order', { component: 'api', order, parameters, outcome, caller, request_id: request.id });
  };
}

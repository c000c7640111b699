import type { OrderRecord, ServedDecision } from '../../src/storage/ports.ts';

let made = 0;

/** A decision that was served now; its request id is one of its own. */
export function makeServed(parts: Partial<ServedDecision> = {}): ServedDecision {
  return {
    atMs: Date.now(),
    sloId: 'api-availability',
    decision: 'ALLOW',
    evaluationId: '01930001-0000-7000-8000-000000000000',
    wasForced: false,
    caller: 'ci',
    address: '127.0.0.1',
    requestId: `request-${made++}`,
    ...parts,
  };
}

/** An order that was given now; its request id is one of its own. */
export function makeOrder(parts: Partial<OrderRecord> = {}): OrderRecord {
  return {
    atMs: Date.now(),
    order: 'POST /admin/log-level',
    parameters: { level: 'debug' },
    outcome: 'log level debug',
    caller: 'ops',
    address: '127.0.0.1',
    requestId: `request-${made++}`,
    ...parts,
  };
}

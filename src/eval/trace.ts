import { randomUUID } from 'node:crypto';

/**
 * Our place in a trace (https://www.w3.org/TR/trace-context/): what a request's line, its evaluation's line and the
 * queries that were sent for it have in common. No spans are recorded here, so a trace that begins here is not sampled;
 * whether another's is, is passed on.
 */
export interface Trace {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** Of our own part in it: 16 hexadecimal digits. */
  readonly spanId: string;
  readonly isSampled: boolean;
  /** The caller's `tracestate`, passed on as it came. */
  readonly state?: string;
}

/** A trace that begins here. */
export function newTrace(): Trace {
  const uuid = randomUUID();
  return {
    traceId: uuid.slice(0, 8) + uuid.slice(9, 13) + uuid.slice(14, 18) + uuid.slice(19, 23) + uuid.slice(24),
    spanId: newSpanId(),
    isSampled: false,
  };
}

/** The second half of a UUID: random, and never all zeros, which would be no id. */
export function newSpanId(): string {
  const uuid = randomUUID();
  return uuid.slice(19, 23) + uuid.slice(24);
}

/** The headers that tell whoever is asked next. */
export function traceHeaders({ traceId, spanId, isSampled, state }: Trace): Readonly<Record<string, string>> {
  const traceparent = `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;
  return state === undefined ? { traceparent } : { traceparent, tracestate: state };
}

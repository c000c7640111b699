import { randomBytes } from 'node:crypto';

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
  return { traceId: randomHex(32), spanId: newSpanId(), isSampled: false };
}

export function newSpanId(): string {
  return randomHex(16);
}

let digits = '';
let at = 0;

/** Random digits, drawn in bulk, as every request has a trace; never all zeros, which would be no id. */
function randomHex(length: number): string {
  for (;;) {
    if (at + length > digits.length) {
      digits = randomBytes(4096).toString('hex');
      at = 0;
    }
    at += length;
    const id = digits.slice(at - length, at);
    if (!/^0+$/.test(id)) return id;
  }
}

/** The headers that tell whoever is asked next. */
export function traceHeaders({ traceId, spanId, isSampled, state }: Trace): Readonly<Record<string, string>> {
  const traceparent = `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;
  return state === undefined ? { traceparent } : { traceparent, tracestate: state };
}

import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { newSpanId, newTrace, type Trace } from '../eval/trace.ts';

// Version, trace id, parent id, flags; a version after ours may have more behind them.
const traceparentForm = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const zeros = /^0+$/;

// Passed on where every server takes it: the specification asks for 512 characters, and a header is no place for others.
const passableState = /^[\x20-\x7e]{1,512}$/;

/** The trace of a request, its evaluation and its queries. */
export function traceFor({ about, headers }: Pick<FastifyRequest, 'about' | 'headers'>): Trace {
  return (about.trace ??= traceOf(headers));
}

/** The trace that a request belongs to, or a new one where it names none that is valid; the span is ours. */
export function traceOf({ traceparent, tracestate }: IncomingHttpHeaders): Trace {
  const parent = typeof traceparent === 'string' ? parseTraceparent(traceparent) : undefined;
  if (parent === undefined) return newTrace();
  const state = typeof tracestate === 'string' && passableState.test(tracestate) ? tracestate : undefined;
  return { ...parent, spanId: newSpanId(), ...(state !== undefined && { state }) };
}

/** As the W3C asks: of a later version what is known of ours is read, of ours nothing but its exact form is taken. */
export function parseTraceparent(text: string): Pick<Trace, 'traceId' | 'isSampled'> | undefined {
  const [, version = 'ff', traceId = '', parentId = '', flags = '', more] = traceparentForm.exec(text) ?? [];
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (zeros.test(traceId) || zeros.test(parentId)) return undefined;
  return { traceId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

import type { Breaker } from './breaker.ts';
import type { Client, Outcome } from './client.ts';
import { tellsOfOutage, turnedAway } from './failure.ts';
import type { Inquiry } from './union.ts';

/** Nothing is sent once the breaker is tripped; what an order has ended says so. */
export function guarded(client: Client, breaker: Pick<Breaker, 'tripped'>): Client['ask'] {
  const refused = (detail: string): Outcome => ({ kind: 'failed', failure: turnedAway(detail) });
  return async (inquiry, when, signal) => {
    const before = breaker.tripped();
    if (before !== null) return refused(before);
    const outcome = await client.ask(inquiry, when, signal);
    const meanwhile = breaker.tripped();
    return meanwhile !== null && outcome.kind === 'failed' ? refused(meanwhile) : outcome;
  };
}

/** What a request says of the source's health. */
export function tell(breaker: Pick<Breaker, 'answered' | 'failed'>, outcome: Outcome): void {
  if (outcome.kind === 'failed' && tellsOfOutage(outcome.failure)) breaker.failed();
  else breaker.answered();
}

/** The least that can be asked: a number, which no data, rule or window can make heavy. */
const trivial: Inquiry = {
  promql: 'vector(1)',
  tagged: false,
  parts: [{ tag: 'probe', role: 'points', promql: 'vector(1)', type: 'vector' }],
  groups: ['probe'],
};

/** What is in the way of any answer, or null where there was one, even if it is a refusal. */
export function probeBy(client: Client, nowMs: () => number): () => Promise<string | null> {
  const never = new AbortController().signal;
  return async () => {
    const outcome = await client.ask(trivial, { evaluatedAtMs: nowMs(), priority: 'urgent' }, never);
    return outcome.kind === 'failed' && tellsOfOutage(outcome.failure) ? outcome.failure.detail : null;
  };
}

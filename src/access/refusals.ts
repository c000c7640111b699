import type { Clock } from '../clock.ts';
import { createFailures } from './failures.ts';
import { refusals, type Identified, type Refusal } from './ports.ts';
import { refused } from './refused.ts';

export interface Refusals {
  /** What somebody of this address is told: the refusal itself, or to wait where there were too many. */
  settle(identified: Identified, address: string): Identified;
  counts(): ReadonlyMap<Refusal, number>;
}

// Nothing was tried: a scrape without a key, an issuer that does not answer.
const notCounted: ReadonlySet<Refusal> = new Set(['missing', 'unavailable'] as const);

/** Counts refusals, and limits them by address. Whoever is recognised is served, whatever others of the address do. */
export function createRefusals(clock: Clock): Refusals {
  const failures = createFailures(clock);
  const counts = new Map<Refusal, number>(refusals.map((reason) => [reason, 0]));

  function limited(identified: Identified, address: string): Identified {
    if (identified.kind === 'identified' || notCounted.has(identified.reason)) return identified;
    const retryAfterS = failures.add(address);
    return retryAfterS === undefined ? identified : { ...refused('too_many_failures'), retryAfterS };
  }

  return {
    settle(identified, address) {
      const told = limited(identified, address);
      if (told.kind === 'refused') counts.set(told.reason, (counts.get(told.reason) ?? 0) + 1);
      return told;
    },
    counts: () => counts,
  };
}

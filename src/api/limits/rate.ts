/** How often each of many clients may do something. */
export interface RateLimiter {
  /** Takes one turn of a client: 0, or the milliseconds until there is one. 0 a second is no limit. */
  take(client: string, perSecond: number, nowMs: number): number;
}

/** Clients that are remembered at least; at most twice as many. */
const remembered = 10_000;

/**
 * A token bucket for each client that holds what one second allows (at least one turn), kept as one number, the instant
 * at which the bucket will be full (GCRA). Two generations bound the memory: a flood of addresses pushes out those that
 * asked least recently, and they begin with a full bucket when they come back.
 */
export function createRateLimiter(): RateLimiter {
  let fullAtMs = new Map<string, number>();
  let earlier = new Map<string, number>();
  let rate = 0;

  return {
    take(client, perSecond, nowMs) {
      if (perSecond !== rate) {
        // Instants of another rate mean nothing: an order to allow more takes effect at once.
        fullAtMs = new Map();
        earlier = new Map();
        rate = perSecond;
      }
      if (perSecond === 0) return 0;
      const turnMs = 1000 / perSecond;
      const bucketMs = Math.max(1, Math.floor(perSecond)) * turnMs;
      const known = fullAtMs.get(client);
      const base = Math.max(known ?? earlier.get(client) ?? nowMs, nowMs);
      const waitMs = base + turnMs - bucketMs - nowMs;
      // A millionth of a millisecond: what the additions of doubles are off by is nobody's turn.
      if (waitMs > 1e-6) return waitMs;
      if (known === undefined && fullAtMs.size >= remembered) {
        earlier = fullAtMs;
        fullAtMs = new Map();
      }
      fullAtMs.set(client, base + turnMs);
      return 0;
    },
  };
}

import { elapsedMs, type Clock, type Instant } from '../../clock.ts';

/** How long the source asked us to stay away (HTTP 429, Retry-After). */
export interface RateLimitHold {
  keep(retryAfter: string | undefined): void;
  /** 0: we may ask. */
  leftMs(): number;
}

const longestHoldMs = 60_000;

export function createRateLimitHold(clock: Clock): RateLimitHold {
  let since: Instant | undefined;
  let holdMs = 0;
  const leftMs = () => (since === undefined ? 0 : Math.max(0, holdMs - elapsedMs(since, clock.now())));
  return {
    keep(retryAfter) {
      const now = clock.now();
      const askedMs = Math.min(retryAfterMs(retryAfter, now.wallMs), longestHoldMs);
      // Answers of requests that were under way together: the longest counts.
      if (askedMs <= leftMs()) return;
      [since, holdMs] = [now, askedMs];
    },
    leftMs,
  };
}

/** Seconds, or an HTTP date (RFC 9110, 10.2.3); 0 for anything else. */
function retryAfterMs(text: string | undefined, nowMs: number): number {
  if (text === undefined) return 0;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? 0 : Math.max(0, atMs - nowMs);
}

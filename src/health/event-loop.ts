import { elapsedMs, type Clock, type Instant } from '../clock.ts';

/** How late a turn of the event loop comes that was asked for each `everyMs`. */
export interface LagWatch {
  latestMs(): number;
  /** The greatest of the last minute. */
  greatestMs(): number;
  turned(): void;
}

const rememberMs = 60_000;

export function createLagWatch(clock: Clock, everyMs: number): LagWatch {
  const lags: number[] = [0];
  let last: Instant = clock.now();
  return {
    latestMs: () => lags.at(-1) ?? 0,
    greatestMs: () => Math.max(...lags),
    turned() {
      const now = clock.now();
      lags.push(Math.max(0, Math.round(elapsedMs(last, now) - everyMs)));
      if (lags.length > rememberMs / everyMs) lags.shift();
      last = now;
    },
  };
}

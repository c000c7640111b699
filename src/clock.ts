/** A moment on both clocks: wall time can be set, monotonic time stops while the machine is suspended. */
export interface Instant {
  /** Epoch milliseconds. */
  readonly wallMs: number;
  /** Milliseconds since some start; never goes back. */
  readonly monotonicMs: number;
}

/** The only source of time. Held by `scheduler/`, `api/`, `app.ts` and the edges; the core is told the instant. */
export interface Clock {
  now(): Instant;
  /** Resolves after `ms`, or at once when the signal aborts; says which. Never rejects, never keeps the process alive. */
  sleep(ms: number, signal?: WakeSignal): Promise<'elapsed' | 'aborted'>;
}

/** What of an AbortSignal a sleep needs. */
export interface WakeSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** Age of an instant: the greater of the two clocks' differences, so that neither a set clock nor a suspended machine makes it young. */
export function elapsedMs(since: Instant, now: Instant): number {
  return Math.max(now.wallMs - since.wallMs, now.monotonicMs - since.monotonicMs, 0);
}

// A timer longer than this fires at once (setTimeout takes a signed 32-bit number), so longer sleeps are taken in steps.
const longestTimerMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => ({ wallMs: Date.now(), monotonicMs: performance.now() }),

  sleep: (ms, signal) => (ms <= longestTimerMs ? timer(ms, signal) : sleepInSteps(ms, signal)),
};

async function sleepInSteps(ms: number, signal: WakeSignal | undefined): Promise<'elapsed' | 'aborted'> {
  let leftMs = ms;
  while (leftMs > longestTimerMs) {
    if ((await timer(longestTimerMs, signal)) === 'aborted') return 'aborted';
    leftMs -= longestTimerMs;
  }
  return timer(leftMs, signal);
}

function timer(ms: number, signal: WakeSignal | undefined): Promise<'elapsed' | 'aborted'> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve('aborted');
      return;
    }
    const onAbort = () => {
      clearTimeout(handle);
      resolve('aborted');
    };
    const handle = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve('elapsed');
    }, ms);
    handle.unref();
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

import { elapsedMs, type Clock, type Instant } from '../../clock.ts';
import type { BreakerStatus, CircuitBreaker } from '../../eval/source-control.ts';
import type { Log } from '../../log.ts';

/** The circuit breaker as the adapter uses it (docs/adr/0006-a-breaker-of-our-own.md). */
export interface Breaker extends CircuitBreaker {
  /** Whether an evaluation may begin to ask. `onTrip` is called where an order ends it before it has left. */
  admit(priority: 'urgent' | 'scheduled', onTrip: () => void): Admission;
  /** Why nothing at all may be sent, not even by an evaluation under way; null where it was not tripped. */
  tripped(): string | null;
  /** The source answered a request, whatever it said. */
  answered(): void;
  /** The source gave a request no answer, or that of a failing server. */
  failed(): void;
  close(): void;
}

export type Admission =
  { readonly kind: 'admitted'; readonly leave: () => void } | { readonly kind: 'refused'; readonly detail: string };

export interface BreakerOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Asks the source the least that can be asked: what is in the way, or null where it answered. Bounded; never rejects. */
  readonly probe: () => Promise<string | null>;
  /** After it was tripped or reset: what is decided should be decided anew. */
  readonly onOrdered: () => void;
}

interface Closed {
  readonly kind: 'closed';
  readonly since: Instant;
  failuresInRow: number;
  isProbing: boolean;
  lastProbe: Instant | null;
}

interface Open {
  readonly kind: 'open';
  readonly since: Instant;
  cause: string;
  probesUnderWay: number;
  lastLetThrough: Instant;
}

type State = Closed | Open | { readonly kind: 'tripped'; readonly since: Instant };

/** So many requests in a row without an answer raise the suspicion that nothing is answered. */
const suspiciousFailures = 5;
/** Not more often while it is closed: the probes of a doubt are a load, too. */
const doubtEveryMs = 1_000;
/** Twice as often as once a second, so that the evaluation after the next finds it closed even at an interval of 1 s. */
const probeEveryMs = 500;
const mostProbesUnderWay = 3;
/** In case the source answers everything but the probe. */
const letThroughEveryMs = 5_000;

/**
 * Opens when the source answers nothing any more, not even a trivial query: one heavy query, or one SLO, cannot open it
 * for the others. An evaluation is let in or refused as a whole; only an order ends one that is under way.
 */
export function createBreaker({ clock, log, probe, onOrdered }: BreakerOptions): Breaker {
  const closing = new AbortController();
  const inside = new Set<() => void>();
  let refused = 0;
  let state: State = closed(clock.now());

  function admit(priority: 'urgent' | 'scheduled', onTrip: () => void): Admission {
    const detail = refusal(priority);
    if (detail !== null) {
      refused += 1;
      return { kind: 'refused', detail };
    }
    inside.add(onTrip);
    return { kind: 'admitted', leave: () => inside.delete(onTrip) };
  }

  function refusal(priority: 'urgent' | 'scheduled'): string | null {
    if (state.kind !== 'open') return tripped();
    const now = clock.now();
    // Who waits for an answer has it at once; only a scheduled evaluation tries its luck.
    if (priority === 'scheduled' && elapsedMs(state.lastLetThrough, now) >= letThroughEveryMs) {
      state.lastLetThrough = now;
      return null;
    }
    return `circuit open: ${state.cause}`;
  }

  function tripped(): string | null {
    if (state.kind !== 'tripped') return null;
    return `circuit open: tripped by an operator at ${textOf(state.since)}, and to be reset by one`;
  }

  /** Whether the source answers anything, once it is suspected of answering nothing. */
  async function ascertain(suspicion: Closed): Promise<void> {
    const now = clock.now();
    const { isProbing, lastProbe } = suspicion;
    if (isProbing || (lastProbe !== null && elapsedMs(lastProbe, now) < doubtEveryMs)) return;
    [suspicion.isProbing, suspicion.lastProbe] = [true, now];
    const cause = await probe();
    suspicion.isProbing = false;
    if (state !== suspicion) return;
    if (cause === null) suspicion.failuresInRow = 0;
    else if (suspicion.failuresInRow >= suspiciousFailures) open(cause);
  }

  function open(cause: string): void {
    const now = clock.now();
    const episode: Open = { kind: 'open', since: now, cause, probesUnderWay: 0, lastLetThrough: now };
    state = episode;
    log.warn(`circuit breaker open: Prometheus answers nothing (${cause}); decisions are WARN until it does`, fields);
    void probeUntilAnswered(episode);
  }

  async function probeUntilAnswered(episode: Open): Promise<void> {
    while (state === episode && (await clock.sleep(probeEveryMs, closing.signal)) === 'elapsed') {
      // The next one does not wait for a probe that hangs: the source may have come back meanwhile.
      if (episode.probesUnderWay < mostProbesUnderWay) void probeOnce(episode);
    }
  }

  async function probeOnce(episode: Open): Promise<void> {
    if (state !== episode) return;
    episode.probesUnderWay += 1;
    const cause = await probe();
    episode.probesUnderWay -= 1;
    if (state !== episode) return;
    if (cause === null) answeredAgain(episode);
    else episode.cause = cause;
  }

  function answeredAgain({ since }: Open): void {
    const now = clock.now();
    state = closed(now);
    const seconds = Math.round(elapsedMs(since, now) / 1000);
    log.info(`circuit breaker closed: Prometheus answers again, after ${seconds}s`, fields);
  }

  return {
    admit,
    tripped,
    answered() {
      if (state.kind === 'closed') state.failuresInRow = 0;
      else if (state.kind === 'open') answeredAgain(state);
    },
    failed() {
      if (state.kind !== 'closed') return;
      state.failuresInRow += 1;
      if (state.failuresInRow >= suspiciousFailures) void ascertain(state);
    },
    trip() {
      if (state.kind === 'tripped') return;
      state = { kind: 'tripped', since: clock.now() };
      refused += inside.size;
      log.warn('circuit breaker tripped by an operator: no query is sent, decisions are WARN until reset', fields);
      for (const end of [...inside]) end();
      onOrdered();
    },
    reset() {
      if (state.kind === 'closed') return;
      state = closed(clock.now());
      log.warn('circuit breaker reset by an operator: queries are sent again', fields);
      onOrdered();
    },
    status: () => ({ state: stateName(state), sinceMs: state.since.wallMs, refused, reason: reasonOf(state) }),
    close: () => closing.abort(),
  };
}

const fields = { component: 'adapter', source: 'prometheus' };

function closed(since: Instant): Closed {
  return { kind: 'closed', since, failuresInRow: 0, isProbing: false, lastProbe: null };
}

function stateName(state: State): BreakerStatus['state'] {
  return state.kind === 'open' && state.probesUnderWay > 0 ? 'half-open' : state.kind;
}

function reasonOf(state: State): string | null {
  if (state.kind === 'closed') return null;
  return state.kind === 'open' ? state.cause : 'tripped by an operator';
}

function textOf({ wallMs }: Instant): string {
  return new Date(wallMs).toISOString();
}

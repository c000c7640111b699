import type { FailureReason } from './measurement.ts';

/** The circuit breaker in front of a metrics source: tripped by an order, or open because the source is failing. */
export interface CircuitBreaker {
  /** Opens it until `reset`: no query is sent, every evaluation fails at once with `circuit open` in its reason. */
  trip(): void;
  /** Closes it, whether it was tripped or had opened by itself. */
  reset(): void;
  status(): BreakerStatus;
}

export interface BreakerStatus {
  /** `tripped`: by an order. `open`: by itself. `half-open`: open, and a probe is under way. */
  readonly state: (typeof breakerStates)[number];
  /** Epoch milliseconds. */
  readonly sinceMs: number;
  /** Evaluations that it refused, or ended, since the start. */
  readonly refused: number;
  /** What made it open, in a sentence; null while it is closed. */
  readonly reason: string | null;
}

export const breakerStates = ['closed', 'open', 'half-open', 'tripped'] as const;

/** One request to a metrics source, as its metrics count it. */
export interface SourceRequest {
  readonly outcome: 'answered' | 'failed';
  /** Empty where it was answered. */
  readonly reason: FailureReason | '';
  readonly durationMs: number;
}

/** A metrics source as an operator watches and commands it. */
export interface SourceControl {
  readonly breaker: CircuitBreaker;
  readonly health: () => SourceHealth;
  /** Requests under way. */
  readonly inFlight: () => number;
}

/** What a metrics source says of itself, beside its measurements. */
export interface SourceHealth {
  /** Epoch milliseconds; null: not yet. */
  readonly lastSuccessMs: number | null;
  readonly lastFailureMs: number | null;
  /** One sentence without secrets; null where the latest request succeeded, or none was made. */
  readonly lastError: string | null;
  /** Of the latest answered request. */
  readonly latencyMs: number | null;
}

/** The circuit breaker in front of a metrics source: tripped by an order, or open because the source is failing. */
export interface CircuitBreaker {
  /** Opens it until `reset`: no query is sent, every evaluation fails at once with the reason `circuit open`. */
  trip(): void;
  /** Closes it, whether it was tripped or had opened by itself. */
  reset(): void;
  status(): BreakerStatus;
}

export interface BreakerStatus {
  /** `tripped`: by an order. `open`: by itself. `half-open`: one probe is under way. */
  readonly state: 'closed' | 'open' | 'half-open' | 'tripped';
  /** Epoch milliseconds. */
  readonly sinceMs: number;
  /** Requests that it refused since the start. */
  readonly refused: number;
  /** What made it open, in a sentence; null while it is closed. */
  readonly reason: string | null;
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

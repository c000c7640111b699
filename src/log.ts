/** Fields of the platform's logging convention that a line may carry beside its message (docs/operations.md). */
export interface LogFields {
  readonly component?: string;
  readonly slo_id?: string | undefined;
  readonly request_id?: string;
  readonly trace_id?: string;
  readonly span_id?: string;
  readonly status?: number;
  readonly duration_ms?: number;
  readonly path?: string;
  readonly error?: string;
  readonly [field: string]: unknown;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** What every room knows of logging. `telemetry/` implements it with pino; tests with an array. */
export interface Log {
  /** Whether lines of this level are written, for those who would make many in vain. */
  writes(level: LogLevel): boolean;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

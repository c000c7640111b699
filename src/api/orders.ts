import type { CircuitBreaker } from '../eval/source-control.ts';

/** `kept`: the file cannot be used as it stands, and what was read before goes on. */
export interface FileOutcome {
  readonly outcome: 'ok' | 'kept';
  readonly message: string;
}

/** What reading everything again came to. */
export interface ReloadReport {
  readonly slos: { readonly outcome: 'ok' | 'errors' | 'kept'; readonly message: string; readonly loaded: number };
  readonly settings: {
    /** Names of settings whose new value stands. */
    readonly changed: readonly string[];
    /** Names of settings whose new value waits for a restart. */
    readonly needRestart: readonly string[];
    /** Why all of them stay as they are; null where they were read. */
    readonly error: string | null;
  };
  /** API keys; absent where there is no file of them. */
  readonly keys?: FileOutcome;
  /** Issuers of OIDC tokens; absent where there is no file of them. */
  readonly issuers?: FileOutcome;
  /** Without TLS there are none. */
  readonly certificates?: {
    /** Why the earlier ones stay; null where they were read. */
    readonly error: string | null;
  };
}

export const logLevels = ['debug', 'info', 'warn', 'error', 'fatal'] as const;

/** What an operator may order while the server runs. The routes under `/admin` check who asks, and record it. */
export interface Orders {
  /** Reads settings, SLO files, keys and certificates again. */
  reload(): Promise<ReloadReport>;
  /** Requests a second of one client; 0 is no limit. */
  setRateLimit(perSecond: number): void;
  setLogLevel(level: (typeof logLevels)[number]): void;
  /** By the name of the service that each stands in front of. */
  readonly breakers: ReadonlyMap<string, CircuitBreaker>;
  /** `/readyz` is 503 while draining; everything goes on being answered. */
  drain(isDraining: boolean): void;
}

/** Everything that the server is told at its start, parsed and valid. config/table.ts says where each comes from. */
export interface Settings {
  readonly host: string;
  readonly port: number;
  readonly sloDir: string;
  readonly adapter: 'prometheus' | 'synthetic';
  readonly syntheticFixtures: string | undefined;
  readonly prometheus: PrometheusSettings | undefined;
  readonly db: string;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  /** `auto`: pretty on a terminal, JSON lines otherwise. */
  readonly logFormat: 'auto' | 'json' | 'pretty';
  /** Deadline of a forced or first evaluation, queueing included; of a scheduled one from when it leaves the queue. */
  readonly evaluationTimeoutMs: number;
  /** Evaluations under way at once. */
  readonly evaluationConcurrency: number;
  /** How long to answer on after SIGTERM while `/readyz` is 503 already. */
  readonly shutdownDelayMs: number;
}

export interface PrometheusSettings {
  /** Without user and password; path and query stay. */
  readonly url: URL;
  readonly timeoutMs: number;
  /** Requests in flight at once, 1 to 64. */
  readonly concurrency: number;
  /** Attempts at one request, 1 or 2. */
  readonly attempts: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly passwordFile: string | undefined;
  readonly bearerToken: string | undefined;
  readonly bearerTokenFile: string | undefined;
  /** Extra headers, such as X-Scope-OrgID. */
  readonly headers: Readonly<Record<string, string>>;
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
}

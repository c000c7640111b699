/** Everything that the server is told at its start, parsed and valid. config/table.ts says where each comes from. */
export interface Settings {
  readonly host: string;
  readonly port: number;
  readonly sloDir: string;
  readonly adapter: 'prometheus' | 'synthetic';
  readonly syntheticFixtures: string | undefined;
  readonly prometheus: PrometheusSettings | undefined;
  readonly db: string;
  readonly retention: RetentionSettings;
  /** A replica: it evaluates and answers, and writes nothing to the audit. */
  readonly readOnly: boolean;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  /** `auto`: pretty on a terminal, JSON lines otherwise. */
  readonly logFormat: 'auto' | 'json' | 'pretty';
  /** Deadline of a forced or first evaluation, queueing included; of a scheduled one from when it leaves the queue. */
  readonly evaluationTimeoutMs: number;
  /** Evaluations under way at once. */
  readonly evaluationConcurrency: number;
  /** How long to answer on after SIGTERM while `/readyz` is 503 already. */
  readonly shutdownDelayMs: number;
  /** Path of the Unix socket on which orders are taken without a key. */
  readonly adminSocket: string | undefined;
  readonly access: AccessSettings;
  /** Without it the server speaks plain HTTP. */
  readonly tls: TlsSettings | undefined;
  /** Requests a second of one client; 0 is no limit. */
  readonly rateLimit: number;
  /** Forced evaluations a second of one client; 0 is no limit. */
  readonly forcedRateLimit: number;
  /** Connections of clients that are held at once. */
  readonly maxConnections: number;
  /** Standard output where undefined. */
  readonly logFile: string | undefined;
  /** Requests that take longer are logged as `slow_request`. */
  readonly slowRequestMs: number;
  /** The level of the lines of a route's requests, where it is not the usual one. */
  readonly requestLog: RequestLogSettings;
}

export type RequestLogSettings = ReadonlyMap<string, 'debug' | 'info' | 'warn' | 'error' | 'off'>;

/** How much of the audit is kept; 0 is no bound. */
export interface RetentionSettings {
  readonly maxAgeMs: number;
  /** Of evaluations, and of served decisions. */
  readonly maxRows: number;
  readonly maxBytes: number;
}

/** Who may ask. With neither file everybody may read and decide, and nobody gives orders but on the admin socket. */
export interface AccessSettings {
  readonly keysFile: string | undefined;
  readonly oidcFile: string | undefined;
  /** `/metrics` answers without a key. */
  readonly openMetrics: boolean;
  /** Addresses and networks whose X-Forwarded-* headers are believed. */
  readonly trustedProxies: readonly string[];
}

/** PEM files, read again when they change. */
export interface TlsSettings {
  readonly certFile: string;
  readonly keyFile: string;
  /** Authorities whose client certificates are asked for (mutual TLS). */
  readonly clientCaFile: string | undefined;
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

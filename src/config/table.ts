import * as parsers from './parsers.ts';
import type { Parser } from './parsers.ts';
import { withoutSecrets } from './url.ts';

/** One setting: where it is told from, what it may be and what it is when nobody says. */
export interface Setting<T> {
  /** With its two dashes; absent for secrets, which every user of a machine could read in the list of processes. */
  readonly flag?: `--${string}`;
  readonly env: string;
  readonly group: 'Server' | 'Access' | 'TLS' | 'Limits' | 'SLOs and decisions' | 'Prometheus' | 'Audit' | 'Logs';
  readonly placeholder: string;
  readonly description: string;
  readonly parser: Parser<T>;
  /** As it would be written; absent where there is none. */
  readonly fallback?: string;
  /** The flag may stand several times; the variable (and nothing else) holds one value a line. */
  readonly repeatable?: true;
  /** A reload (SIGHUP, `POST /admin/reload`) takes a new value over; without it the value is that of the start. */
  readonly reloadable?: true;
  /** How a value that is not allowed appears in the error; absent: as it stands. */
  readonly shown?: (text: string) => string;
}

const hidden = () => 'the value (not shown)';

/** A setting that always has a value. */
export interface DefaultedSetting<T> extends Setting<T> {
  readonly fallback: string;
}

// These fix the type of the value, and whether there always is one, while the table stays one literal.
const optional = <T>(setting: Setting<T>): Setting<T> => setting;
const defaulted = <T>(setting: DefaultedSetting<T>): DefaultedSetting<T> => setting;

/** Every setting of the server, the only place where one is named. docs/configuration.md is written from it. */
export const table = {
  port: defaulted({
    flag: '--port',
    env: 'PORT',
    group: 'Server',
    placeholder: 'number',
    description: 'port to listen on; 0 takes a free one',
    parser: parsers.wholeNumber(0, 65535),
    fallback: '8080',
  }),
  host: defaulted({
    flag: '--host',
    env: 'HOST',
    group: 'Server',
    placeholder: 'address',
    description: 'address to listen on',
    parser: parsers.host,
    fallback: '0.0.0.0',
  }),
  configFile: optional({
    flag: '--config',
    env: 'AEGIS_CONFIG',
    group: 'Server',
    placeholder: 'file',
    description: 'YAML file of settings, by the names of their flags without the dashes',
    parser: parsers.path,
  }),
  shutdownDelayMs: defaulted({
    flag: '--shutdown-delay',
    env: 'SHUTDOWN_DELAY',
    group: 'Server',
    placeholder: 'duration',
    description: 'how long to go on answering after SIGTERM while /readyz is 503 already',
    parser: parsers.duration('0s', '10m'),
    fallback: '0s',
    reloadable: true,
  }),
  adminSocket: optional({
    flag: '--admin-socket',
    env: 'AEGIS_ADMIN_SOCKET',
    group: 'Server',
    placeholder: 'path',
    description: 'Unix socket (mode 0600) on which the whole API, orders included, answers without a key',
    parser: parsers.path,
  }),
  apiKeysFile: optional({
    flag: '--api-keys-file',
    env: 'AEGIS_API_KEYS_FILE',
    group: 'Access',
    placeholder: 'file',
    description: 'file of API keys, made by `aegis keys`; read again when it changes',
    parser: parsers.path,
  }),
  oidcFile: optional({
    flag: '--oidc-file',
    env: 'AEGIS_OIDC_FILE',
    group: 'Access',
    placeholder: 'file',
    description: 'YAML file of OIDC issuers whose tokens are taken; read again when it changes',
    parser: parsers.path,
  }),
  openMetrics: defaulted({
    flag: '--open-metrics',
    env: 'AEGIS_OPEN_METRICS',
    group: 'Access',
    placeholder: 'boolean',
    description: 'whether /metrics answers without a key where keys are asked for',
    parser: parsers.boolean,
    fallback: 'false',
  }),
  trustedProxies: optional({
    flag: '--trusted-proxy',
    env: 'AEGIS_TRUSTED_PROXIES',
    group: 'Access',
    placeholder: 'address',
    description: 'address or network whose X-Forwarded-* headers are believed; may be repeated (variable: one a line)',
    parser: parsers.network,
    repeatable: true,
  }),
  tlsCert: optional({
    flag: '--tls-cert',
    env: 'AEGIS_TLS_CERT',
    group: 'TLS',
    placeholder: 'file',
    description: 'PEM file of the server certificate and its chain, with --tls-key; read again when it changes',
    parser: parsers.path,
  }),
  tlsKey: optional({
    flag: '--tls-key',
    env: 'AEGIS_TLS_KEY',
    group: 'TLS',
    placeholder: 'file',
    description: 'PEM file of the key of the server certificate; read again when it changes',
    parser: parsers.path,
  }),
  tlsClientCa: optional({
    flag: '--tls-client-ca',
    env: 'AEGIS_TLS_CLIENT_CA',
    group: 'TLS',
    placeholder: 'file',
    description: 'PEM file of the authorities whose client certificates are asked for (mutual TLS)',
    parser: parsers.path,
  }),
  rateLimit: defaulted({
    flag: '--rate-limit',
    env: 'AEGIS_RATE_LIMIT',
    group: 'Limits',
    placeholder: 'number',
    description: 'requests a second of one client; 0 is no limit',
    parser: parsers.rate,
    fallback: '0',
    reloadable: true,
  }),
  forcedRateLimit: defaulted({
    flag: '--forced-rate-limit',
    env: 'AEGIS_FORCED_RATE_LIMIT',
    group: 'Limits',
    placeholder: 'number',
    description: 'forced evaluations (forceFresh) a second of one client; 0 is no limit',
    parser: parsers.rate,
    fallback: '0',
    reloadable: true,
  }),
  maxConnections: defaulted({
    flag: '--max-connections',
    env: 'AEGIS_MAX_CONNECTIONS',
    group: 'Limits',
    placeholder: 'number',
    description: 'connections of clients that are held at once',
    parser: parsers.wholeNumber(1, 1_000_000),
    fallback: '8192',
  }),
  sloDir: optional({
    flag: '--slo-dir',
    env: 'SLO_DIR',
    group: 'SLOs and decisions',
    placeholder: 'dir',
    description: 'directory of the SLO files, read recursively and watched (required)',
    parser: parsers.path,
  }),
  adapter: defaulted({
    flag: '--adapter',
    env: 'ADAPTER_TYPE',
    group: 'SLOs and decisions',
    placeholder: 'name',
    description: 'where measurements come from: a Prometheus, or fixtures for tests and demonstrations',
    parser: parsers.oneOf('prometheus', 'synthetic'),
    fallback: 'synthetic',
  }),
  syntheticFixtures: optional({
    flag: '--synthetic-fixtures',
    env: 'SYNTHETIC_FIXTURES',
    group: 'SLOs and decisions',
    placeholder: 'dir',
    description: 'directory of the synthetic fixtures, <slo id>.json',
    parser: parsers.path,
  }),
  evaluationTimeoutMs: defaulted({
    flag: '--evaluation-timeout',
    env: 'EVALUATION_TIMEOUT',
    group: 'SLOs and decisions',
    placeholder: 'duration',
    description: 'deadline of one evaluation; past it the answer is a WARN with what is known',
    parser: parsers.duration('100ms', '5m'),
    fallback: '8s',
    reloadable: true,
  }),
  evaluationConcurrency: defaulted({
    flag: '--evaluation-concurrency',
    env: 'EVALUATION_CONCURRENCY',
    group: 'SLOs and decisions',
    placeholder: 'number',
    description: 'evaluations under way at once',
    parser: parsers.wholeNumber(1, 1000),
    fallback: '10',
  }),
  prometheusUrl: optional({
    flag: '--prometheus-url',
    env: 'PROMETHEUS_URL',
    group: 'Prometheus',
    placeholder: 'url',
    description: 'server with the Prometheus API, path and query included (required with --adapter prometheus)',
    parser: parsers.httpUrl,
    shown: (text) => JSON.stringify(withoutSecrets(text)),
  }),
  prometheusTimeoutMs: defaulted({
    flag: '--prometheus-timeout',
    env: 'PROMETHEUS_TIMEOUT',
    group: 'Prometheus',
    placeholder: 'duration',
    description: 'bound of one request',
    parser: parsers.duration('100ms', '5m'),
    fallback: '5s',
  }),
  prometheusConcurrency: defaulted({
    flag: '--prometheus-concurrency',
    env: 'PROMETHEUS_CONCURRENCY',
    group: 'Prometheus',
    placeholder: 'number',
    description: 'requests in flight at once',
    parser: parsers.wholeNumber(1, 64),
    fallback: '10',
  }),
  prometheusAttempts: defaulted({
    flag: '--prometheus-attempts',
    env: 'PROMETHEUS_ATTEMPTS',
    group: 'Prometheus',
    placeholder: 'number',
    description: 'attempts at one request',
    parser: parsers.wholeNumber(1, 2),
    fallback: '2',
  }),
  prometheusUsername: optional({
    flag: '--prometheus-username',
    env: 'PROMETHEUS_USERNAME',
    group: 'Prometheus',
    placeholder: 'name',
    description: 'user name for basic authentication',
    parser: parsers.username,
  }),
  prometheusPassword: optional({
    env: 'PROMETHEUS_PASSWORD',
    group: 'Prometheus',
    placeholder: 'text',
    description: 'password for basic authentication',
    parser: parsers.text,
    shown: hidden,
  }),
  prometheusPasswordFile: optional({
    flag: '--prometheus-password-file',
    env: 'PROMETHEUS_PASSWORD_FILE',
    group: 'Prometheus',
    placeholder: 'file',
    description: 'file with the password, read again when it changes',
    parser: parsers.path,
  }),
  prometheusBearerToken: optional({
    env: 'PROMETHEUS_BEARER_TOKEN',
    group: 'Prometheus',
    placeholder: 'text',
    description: 'bearer token, in place of user name and password',
    parser: parsers.token,
    shown: hidden,
  }),
  prometheusBearerTokenFile: optional({
    flag: '--prometheus-bearer-token-file',
    env: 'PROMETHEUS_BEARER_TOKEN_FILE',
    group: 'Prometheus',
    placeholder: 'file',
    description: 'file with the bearer token, read again when it changes',
    parser: parsers.path,
  }),
  prometheusHeaders: optional({
    flag: '--prometheus-header',
    env: 'PROMETHEUS_HEADERS',
    group: 'Prometheus',
    placeholder: 'header',
    description: 'extra header, such as "X-Scope-OrgID: team-a"; may be repeated (variable: one a line)',
    parser: parsers.header,
    repeatable: true,
    shown: hidden,
  }),
  prometheusHeadersFile: optional({
    flag: '--prometheus-headers-file',
    env: 'PROMETHEUS_HEADERS_FILE',
    group: 'Prometheus',
    placeholder: 'file',
    description: 'file of extra headers, one a line; those given singly go before them',
    parser: parsers.path,
  }),
  prometheusCaFile: optional({
    flag: '--prometheus-ca-file',
    env: 'PROMETHEUS_CA_FILE',
    group: 'Prometheus',
    placeholder: 'file',
    description: 'PEM file of the authorities to trust for https',
    parser: parsers.path,
  }),
  prometheusCertFile: optional({
    flag: '--prometheus-cert-file',
    env: 'PROMETHEUS_CERT_FILE',
    group: 'Prometheus',
    placeholder: 'file',
    description: 'PEM file of the client certificate, with --prometheus-key-file',
    parser: parsers.path,
  }),
  prometheusKeyFile: optional({
    flag: '--prometheus-key-file',
    env: 'PROMETHEUS_KEY_FILE',
    group: 'Prometheus',
    placeholder: 'file',
    description: 'PEM file of the key of the client certificate',
    parser: parsers.path,
  }),
  db: defaulted({
    flag: '--db',
    env: 'DB_PATH',
    group: 'Audit',
    placeholder: 'file',
    description: 'SQLite database of the audit',
    parser: parsers.path,
    fallback: 'aegis.db',
  }),
  logLevel: defaulted({
    flag: '--log-level',
    env: 'LOG_LEVEL',
    group: 'Logs',
    placeholder: 'level',
    description: 'least level that is written',
    parser: parsers.oneOf('debug', 'info', 'warn', 'error', 'fatal'),
    fallback: 'info',
    reloadable: true,
  }),
  logFormat: defaulted({
    flag: '--log-format',
    env: 'LOG_FORMAT',
    group: 'Logs',
    placeholder: 'format',
    description: 'JSON lines, or a form for people; auto is pretty on a terminal',
    parser: parsers.oneOf('auto', 'json', 'pretty'),
    fallback: 'auto',
  }),
  logFile: optional({
    flag: '--log-file',
    env: 'LOG_FILE',
    group: 'Logs',
    placeholder: 'file',
    description: 'file to log to in place of standard output; opened again on SIGHUP',
    parser: parsers.path,
  }),
  slowRequestMs: defaulted({
    flag: '--slow-request',
    env: 'SLOW_REQUEST',
    group: 'Logs',
    placeholder: 'duration',
    description: 'requests that take longer are logged as slow_request',
    parser: parsers.duration('1ms', '10m'),
    fallback: '2s',
    reloadable: true,
  }),
} as const;

/** All settings in the order of the table, for those that treat them alike. */
export const settings: readonly Setting<unknown>[] = Object.values(table);

/** The name that a person knows a setting by. */
export function nameOf(setting: Setting<unknown>): string {
  return setting.flag ?? setting.env;
}

/** Its name in the configuration file: that of the flag without the dashes. */
export function keyOf(setting: Setting<unknown>): string {
  return setting.flag?.slice(2) ?? setting.env.toLowerCase().replaceAll('_', '-');
}

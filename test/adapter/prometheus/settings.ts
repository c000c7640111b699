import type { Log, LogFields } from '../../../src/log.ts';
import type { PrometheusSettings } from '../../../src/config/settings.ts';

export function settingsFor(url: string, changes: Partial<PrometheusSettings> = {}): PrometheusSettings {
  return {
    url: new URL(url),
    timeoutMs: 5_000,
    concurrency: 10,
    attempts: 2,
    username: undefined,
    password: undefined,
    passwordFile: undefined,
    bearerToken: undefined,
    bearerTokenFile: undefined,
    headers: {},
    caFile: undefined,
    certFile: undefined,
    keyFile: undefined,
    ...changes,
  };
}

/** Keeps what was logged. */
export function listLog(): Log & { readonly lines: string[] } {
  const lines: string[] = [];
  const keep = (message: string, fields?: LogFields) => void lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  return { lines, writes: () => true, debug: keep, info: keep, warn: keep, error: keep };
}

import type { Parser } from './parsers.ts';
import type { RequestLogSettings } from './settings.ts';

/** The routes as the log and the metrics name them; a test compares them with those that are served. */
export const loggedRoutes: readonly string[] = [
  ...['/v1/gate/decision', '/v1/slo', '/v1/slo/:id', '/v1/decisions', '/v1/state/:service/:env'],
  ...['/v1/audit', '/v1/audit/decisions', '/v1/audit/orders'],
  ...['/v1/audit/export', '/v1/audit/decisions/export', '/v1/audit/orders/export'],
  ...['/v1/evaluations/:id', '/v1/status', '/healthz', '/readyz', '/healthz/comprehensive'],
  ...['/metrics', '/metrics/performance', '/metrics/system', '/stats', '/openapi.json'],
  ...['/admin/profile/cpu', '/admin/profile/heap', '/admin/reload', '/admin/rate-limit', '/admin/log-level'],
  ...['/admin/circuit-breaker/trip', '/admin/circuit-breaker/reset', '/admin/circuit-breaker/status', '/admin/drain'],
  // Requests for a path that there is not.
  'none',
];

const levels = ['debug', 'info', 'warn', 'error', 'off'] as const;

const entryForm = /^([^=,\s]+)=([a-z]+)$/i;

/** `ROUTE=LEVEL,…`. */
export const requestLog: Parser<RequestLogSettings> = {
  allowed:
    'ROUTE=LEVEL,… with routes as the log names them (/v1/gate/decision, /v1/slo/:id, none for unknown paths), each once, and the levels debug, info, warn, error or off',
  parse: (text) => {
    const result = new Map<string, (typeof levels)[number]>();
    for (const entry of text.split(',')) {
      const [, route = '', word = ''] = entryForm.exec(entry.trim()) ?? [];
      const level = levels.find((known) => known === word.toLowerCase());
      if (level === undefined || !loggedRoutes.includes(route) || result.has(route)) return undefined;
      result.set(route, level);
    }
    return result;
  },
};

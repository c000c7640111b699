import { createHash } from 'node:crypto';
import type { PrometheusSettings } from '../../config/settings.ts';

const ofCredentials = /auth|token|key|secret|pass|cookie|signature/i;

/** Names the source that the settings lead to, and its tenant: what was read from one says nothing of another. No secret is in it. */
export function sourceIdOf({ url, username, headers }: PrometheusSettings): string {
  const named = Object.entries(headers)
    .filter(([name]) => !ofCredentials.test(name))
    .map(([name, value]) => [name.toLowerCase(), value])
    .sort();
  const { origin, pathname } = url;
  return createHash('sha256')
    .update(JSON.stringify([origin, pathname, username, named]))
    .digest('hex')
    .slice(0, 16);
}

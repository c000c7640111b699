import { createHash } from 'node:crypto';
import type { PrometheusSettings } from '../../config/settings.ts';

const ofCredentials = /auth|token|key|secret|pass|cookie|signature/i;

/** Names the source that the settings lead to, and its tenant: what was read from one says nothing of another. No secret is in it. */
export function sourceIdOf({ url, username, headers }: PrometheusSettings): string {
  const { origin, pathname, searchParams } = url;
  // A tenant may stand in the query, too: VictoriaMetrics' `extra_label` is a filter of all that is read.
  const [named, asked] = [Object.entries(headers), [...searchParams]].map((pairs) =>
    pairs
      .filter(([name]) => !ofCredentials.test(name))
      .map(([name, value]) => [name.toLowerCase(), value])
      .sort(),
  );
  return createHash('sha256')
    .update(JSON.stringify([origin, pathname, username, named, asked]))
    .digest('hex')
    .slice(0, 16);
}

import type { Log } from '../log.ts';
import type { CertificateFacts } from './certificate-files.ts';

const dayMs = 24 * 60 * 60 * 1000;

/** From here on it is said each day that a certificate has to be replaced. */
const warnDays = 30;

/** Whole days until an instant; negative after it. */
export function daysUntil(instantMs: number, nowMs: number): number {
  return Math.floor((instantMs - nowMs) / dayMs);
}

/** Says daily which certificates end soon, or have ended; at once of certificates that it has not seen yet. */
export function createExpiryWarning(log: Log): (facts: readonly CertificateFacts[], nowMs: number) => void {
  let saidAtMs = -Infinity;
  let saidOf: readonly CertificateFacts[] | undefined;
  return (facts, nowMs) => {
    if (facts === saidOf && nowMs - saidAtMs < dayMs) return;
    saidAtMs = nowMs;
    saidOf = facts;
    for (const one of facts) warn(log, one, nowMs);
  };
}

function warn(log: Log, { certificate, subject, file, notAfterMs }: CertificateFacts, nowMs: number): void {
  const fields = { component: 'tls', certificate, not_after: new Date(notAfterMs).toISOString() };
  const name = `the ${certificate === 'server' ? 'server certificate' : 'client authority'} ${subject}`;
  const days = daysUntil(notAfterMs, nowMs);
  if (days < 0) log.error(`${name} expired at ${fields.not_after}: replace ${file}`, fields);
  else if (days < warnDays)
    log.warn(`${name} expires in ${days} days, at ${fields.not_after}: replace ${file}`, fields);
}

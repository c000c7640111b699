import type { Clock } from '../clock.ts';
import type { TlsSettings } from '../config/settings.ts';
import { AegisError, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { readCertificates, stampOf, type CertificateSet } from './certificate-files.ts';
import { createExpiryWarning, daysUntil } from './expiry.ts';
import type { Certificates, CertificateSource } from './ports.ts';

export interface ServerCertificates extends Certificates, CertificateSource {
  /** Reads the files now. Why they were not taken, or null. Never rejects. */
  reload(): Promise<string | null>;
  /** Resolves when nothing is read any more. */
  stop(): Promise<void>;
}

const pollMs = 1000;

/** How often files are read anew because they were changed while they were read; after that, at the next look. */
const attempts = 3;

/**
 * The server's certificates, followed: their files are looked at once a second, like the SLO files, which sees the
 * links that Kubernetes swaps. What does not fit together (a pair of which one half was replaced) is not taken: the old
 * ones stay, and the files are read again at their next change.
 */
export async function openCertificates(
  settings: TlsSettings | undefined,
  options: Options,
): Promise<ServerCertificates | undefined> {
  return settings === undefined ? undefined : open(settings, options);
}

interface Options {
  readonly clock: Clock;
  readonly log: Log;
  /** Told of each reading, also of the first. */
  readonly onRead: (isOk: boolean) => void;
}

async function open(settings: TlsSettings, { clock, log, onRead }: Options): Promise<ServerCertificates> {
  const listeners: (() => void)[] = [];
  const stopping = new AbortController();
  const warnOfExpiry = createExpiryWarning(log);
  let seen = await stampOf(settings);
  let held = await readCertificates(settings).catch((error: unknown) => {
    throw new AegisError('invalid_setting', `--tls-cert, --tls-key: ${messageOf(error)}`);
  });
  let lastError: string | null = null;
  let turn: Promise<string | null> = Promise.resolve(null);

  async function refresh(isAsked: boolean): Promise<string | null> {
    for (let attempt = 1; ; attempt += 1) {
      const stamp = await stampOf(settings);
      if (stamp === seen && !isAsked) return lastError;
      const outcome = await readCertificates(settings).catch(messageOf);
      const isSettled = stamp === (await stampOf(settings));
      if (!isSettled && attempt < attempts) continue;
      if (isSettled) seen = stamp;
      const why = typeof outcome === 'string' ? outcome : expiredBeside(outcome);
      if (why !== null) refuse(why, isAsked);
      else if (typeof outcome !== 'string') take(outcome);
      onRead(lastError === null);
      return lastError;
    }
  }

  /** A certificate that has expired is not taken in place of one that has not: nobody means to be shut out. */
  function expiredBeside({ facts: [next] }: CertificateSet): string | null {
    const nowMs = clock.now().wallMs;
    const [inUse] = held.facts;
    if (next === undefined || inUse === undefined || next.notAfterMs > nowMs || inUse.notAfterMs <= nowMs) return null;
    const [expiry, until] = [next.notAfterMs, inUse.notAfterMs].map((ms) => new Date(ms).toISOString());
    return `${next.file}: ${next.subject} expired at ${expiry}; the one in use is valid until ${until}`;
  }

  function take(next: CertificateSet): void {
    lastError = null;
    if (isSame(held, next)) return;
    held = next;
    for (const listener of listeners) listener();
    const until = next.facts.map(({ subject, notAfterMs }) => `${subject} until ${new Date(notAfterMs).toISOString()}`);
    log.info(`certificates read again: ${until.join('; ')}`, { component: 'tls' });
    warnOfExpiry(held.facts, clock.now().wallMs);
  }

  function refuse(why: string, isAsked: boolean): void {
    if (why !== lastError || isAsked) {
      log.error(`certificates not taken, the earlier ones stay: ${why}`, { component: 'tls' });
    }
    lastError = why;
  }

  /** One after the other: a reload that is asked for sees what was written before it. */
  function inTurn(isAsked: boolean): Promise<string | null> {
    turn = turn.then(() => refresh(isAsked));
    return turn;
  }

  async function follow(): Promise<void> {
    while ((await clock.sleep(pollMs, stopping.signal)) === 'elapsed') {
      await inTurn(false);
      warnOfExpiry(held.facts, clock.now().wallMs);
    }
  }

  onRead(true);
  warnOfExpiry(held.facts, clock.now().wallMs);
  const following = follow();
  return {
    isMutual: settings.clientCaFile !== undefined,
    current: () => held.context,
    onChange: (listener) => void listeners.push(listener),
    status() {
      const nowMs = clock.now().wallMs;
      return held.facts.map(({ certificate, subject, notAfterMs }) => {
        return { certificate, subject, notAfterMs, daysLeft: daysUntil(notAfterMs, nowMs), lastError };
      });
    },
    reload: () => inTurn(true),
    async stop() {
      stopping.abort();
      await following;
      await turn;
    },
  };
}

function isSame({ context: before }: CertificateSet, { context: next }: CertificateSet): boolean {
  return before.cert === next.cert && before.key === next.key && before.ca === next.ca;
}

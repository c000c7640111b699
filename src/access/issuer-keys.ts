import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { elapsedMs, type Clock, type Instant } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';

/** Neither fetched now nor kept from before: nobody can be recognised. */
export class KeysUnavailable extends Error {}

/** Keys are fetched again, beside their use, when they are this old; rotations are announced hours before. */
const freshMs = 10 * 60_000;
/** An issuer that cannot be reached is believed by its last keys for so long. */
const longestKeptMs = 24 * 3_600_000;
/** Between two fetches, whatever tokens come: a flood of unknown key ids must not become one of requests. */
const pauseMs = 10_000;

interface Kept {
  readonly find: JWTVerifyGetKey;
  readonly at: Instant;
}

/** The public keys of one issuer, fetched when they are first needed, kept, and fetched again for an unknown key id. */
export function createIssuerKeys(
  issuer: string,
  fetch: () => Promise<JSONWebKeySet>,
  { clock, log }: { clock: Clock; log: Log },
): JWTVerifyGetKey {
  let kept: Kept | undefined;
  let asked: Instant | undefined;
  let underWay: Promise<void> | undefined;

  async function refresh(): Promise<void> {
    asked = clock.now();
    try {
      kept = { find: createLocalJWKSet(await fetch()), at: clock.now() };
    } catch (error) {
      const until = kept === undefined ? 'its tokens are refused until then' : 'its earlier keys go on';
      log.warn(`the keys of ${issuer} cannot be fetched: ${messageOf(error)}; ${until}`, { component: 'access' });
    }
  }

  /** One fetch at a time, shared by all who wait for it; none in the pause after one. */
  async function refreshed(): Promise<void> {
    if (underWay === undefined) {
      if (asked !== undefined && elapsedMs(asked, clock.now()) < pauseMs) return;
      underWay = refresh().finally(() => (underWay = undefined));
    }
    await underWay;
  }

  function usable(): Kept | undefined {
    return kept !== undefined && elapsedMs(kept.at, clock.now()) < longestKeptMs ? kept : undefined;
  }

  return async (header, token) => {
    const before = usable();
    if (before === undefined) await refreshed();
    else if (elapsedMs(before.at, clock.now()) >= freshMs) void refreshed();
    const now = usable();
    if (now === undefined) throw new KeysUnavailable();
    try {
      return await now.find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await refreshed();
      return (usable() ?? now).find(header, token);
    }
  };
}

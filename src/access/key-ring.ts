import { isTokenOf, keyIdOf } from './api-key.ts';
import { isExpired, type ApiKey, type ApiKeys } from './keys-file.ts';
import type { Identified, Identity } from './ports.ts';
import { refused } from './refused.ts';
import { sightOf } from './slo-grant.ts';

interface Held {
  readonly key: ApiKey;
  readonly identified: { readonly kind: 'identified'; readonly identity: Identity };
}

/** The keys of one reading of the file, ready to be compared with. */
export interface KeyRing {
  /** Undefined where the token has not the form of a key of ours. */
  identify(token: string, nowMs: number): Identified | undefined;
  /** Keys that let somebody in. */
  usable(nowMs: number): number;
}

export function keyRing(keys: ApiKeys): KeyRing {
  const held = new Map([...keys].map(([id, key]) => [id, hold(key)]));
  // Tokens that were compared already: one a key at most, and gone with this reading of the file.
  const compared = new Map<string, Held>();
  const outcome = ({ key, identified }: Held, nowMs: number): Identified => {
    if (key.isRevoked) return refused('revoked');
    return isExpired(key, nowMs) ? refused('expired') : identified;
  };
  return {
    identify(token, nowMs) {
      const before = compared.get(token);
      if (before !== undefined) return outcome(before, nowMs);
      const id = keyIdOf(token);
      if (id === undefined) return undefined;
      const found = held.get(id);
      // The secret first: whether a key has expired or was revoked is told only to who has it.
      if (!isTokenOf(token, found?.key.hash) || found === undefined) return refused('unknown');
      compared.set(token, found);
      return outcome(found, nowMs);
    },
    usable: (nowMs) => [...keys.values()].filter((key) => !key.isRevoked && !isExpired(key, nowMs)).length,
  };
}

function hold(key: ApiKey): Held {
  const identity: Identity = { kind: 'key', name: key.id, scopes: key.grant.scopes, ...sightOf(key.grant) };
  return { key, identified: { kind: 'identified', identity } };
}

import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** What a key's id may be; without `_`, which ends it in a token. */
export const keyIdPattern = /^[a-z0-9][a-z0-9.-]{0,63}$/;

const tokenPattern = /^aegis_([a-z0-9][a-z0-9.-]{0,63})_[A-Za-z0-9_-]{43}$/;

/** A new token: a prefix that scanners for leaked secrets can look for, the key's id, and 256 random bits. */
export function newToken(id: string): string {
  return `aegis_${id}_${randomBytes(32).toString('base64url')}`;
}

/** The id of the key that a text claims to be the token of; undefined where it has not the form of one. */
export function keyIdOf(token: string): string | undefined {
  return tokenPattern.exec(token)?.[1];
}

/** What is kept of a token. One round of SHA-256: nobody guesses 256 random bits, however fast the hash. */
export function hashOf(token: string): Buffer {
  return Buffer.from(hash('sha256', token, 'hex'), 'hex'); // half the cost of its own buffer
}

// Compared with where there is no such key, so that an unknown id takes as long as a wrong secret.
const nobodysHash = randomBytes(32);

export function isTokenOf(token: string, hash: Buffer | undefined): boolean {
  return timingSafeEqual(hashOf(token), hash ?? nobodysHash) && hash !== undefined;
}

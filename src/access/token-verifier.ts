import { decodeJwt, decodeProtectedHeader, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import type { Clock } from '../clock.ts';
import { KeysUnavailable } from './issuer-keys.ts';
import type { Issuer, Rule } from './issuers-file.ts';
import type { Identified } from './ports.ts';
import type { Pattern } from './pattern.ts';
import { refused } from './refused.ts';
import { sightOf } from './slo-grant.ts';

/** Clocks of two machines differ by so much. */
const clockToleranceS = 30;
const longestSubject = 256;

/** Recognises the tokens of issuers. Never rejects. */
export interface TokenVerifier {
  identify(token: string): Promise<Identified>;
}

export function isJwt(token: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(token);
}

export function tokenVerifier(
  issuers: readonly Issuer[],
  keysOf: (issuer: Issuer) => JWTVerifyGetKey,
  clock: Clock,
): TokenVerifier {
  const known = new Map(issuers.map((issuer) => [issuer.issuer, { issuer, keys: keysOf(issuer) }]));

  async function identify(token: string): Promise<Identified> {
    // Said by the token itself, and believed only when its signature was checked with this issuer's key.
    const { iss = '' } = decodeJwt(token);
    const found = known.get(iss);
    if (found === undefined) return refused('invalid_token', 'tokens of this issuer are not taken here');
    if (decodeProtectedHeader(token).kid === undefined)
      return refused('invalid_token', 'the token does not name its key (kid)');
    const { issuer, audience, algorithms, rules } = found.issuer;
    const { payload } = await jwtVerify(token, found.keys, {
      issuer,
      audience,
      algorithms: [...algorithms],
      clockTolerance: clockToleranceS,
      currentDate: new Date(clock.now().wallMs),
      requiredClaims: ['sub', 'exp'],
    });
    return admitted(payload, rules, new URL(iss).host);
  }

  return {
    async identify(token) {
      try {
        return await identify(token);
      } catch (error) {
        return refusalOf(error);
      }
    },
  };
}

function admitted(payload: JWTPayload, rules: readonly Rule[], issuerHost: string): Identified {
  const { sub = '' } = payload;
  if (sub === '' || sub.length > longestSubject)
    return refused('invalid_token', 'the subject of the token cannot be used');
  const rule = rules.find(({ claims }) => [...claims].every(([name, globs]) => claimMatches(payload[name], globs)));
  if (rule === undefined) return refused('invalid_token', `no rule lets the token of ${sub} in`);
  const { grant } = rule;
  // A subject is unique within its issuer only; and no key has such an id.
  const name = `${sub}@${issuerHost}`;
  return { kind: 'identified', identity: { kind: 'oidc', name, scopes: grant.scopes, ...sightOf(grant) } };
}

/** A list, such as of groups, matches where one of it does. Objects never match. */
function claimMatches(claim: unknown, globs: readonly Pattern[]): boolean {
  const values: readonly unknown[] = Array.isArray(claim) ? claim : [claim];
  return values.some((value) => {
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return false;
    return globs.some((matches) => matches(String(value)));
  });
}

function refusalOf(error: unknown): Identified {
  if (error instanceof KeysUnavailable) return { ...refused('unavailable'), retryAfterS: 10 };
  if (error instanceof errors.JWTExpired) return refused('expired', 'the token has expired');
  if (error instanceof errors.JWTClaimValidationFailed)
    return refused('invalid_token', `the token is not valid here: its claim ${error.claim}`);
  if (error instanceof errors.JOSEAlgNotAllowed)
    return refused('invalid_token', 'the token is signed in a way that is not taken here');
  if (error instanceof errors.JWKSNoMatchingKey) return refused('invalid_token', 'the key of the token is not known');
  return refused('invalid_token');
}

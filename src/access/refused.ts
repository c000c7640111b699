import type { Identified, Refusal } from './ports.ts';

type Refused = Extract<Identified, { kind: 'refused' }>;

const messages: Readonly<Record<Refusal, string>> = {
  missing: 'an API key or token is needed: send it as "Authorization: Bearer TOKEN" or "X-API-Key: TOKEN"',
  malformed: 'this is not an API key of this server',
  unknown: 'no such API key',
  expired: 'the API key has expired: ask for a new one (aegis keys create)',
  revoked: 'the API key was revoked: ask for a new one (aegis keys create)',
  invalid_token: 'the token is not valid here',
  too_many_failures: 'too many keys and tokens from this address were refused: ask again later with a valid one',
  unavailable: "the keys of the token's issuer cannot be fetched now: ask again later",
};

export function refused(reason: Refusal, message = messages[reason]): Refused {
  return { kind: 'refused', reason, message };
}

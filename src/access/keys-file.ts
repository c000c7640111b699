import { keyIdPattern } from './api-key.ts';
import { grantFields, grantOf, type Grant } from './grant-fields.ts';
import { fieldsOf, instantOf, listOf, readPlaced, refusal, required, shown, textOf, type Placed } from './placed.ts';

/** One entry of the file of API keys (docs/access.md). */
export interface ApiKey {
  readonly id: string;
  readonly description: string | null;
  /** SHA-256 of the token. */
  readonly hash: Buffer;
  readonly grant: Grant;
  readonly createdMs: number | null;
  readonly expiresMs: number | null;
  readonly isRevoked: boolean;
}

export type ApiKeys = ReadonlyMap<string, ApiKey>;

const keyFields = ['id', 'description', 'hash', ...grantFields, 'created', 'expires', 'revoked'] as const;

/** The keys of a file by their ids; an empty file has none. Throws `invalid_setting` with the place of what is wrong. */
export function parseKeys(text: string, file: string): ApiKeys {
  const root = readPlaced(text, file);
  const keys = new Map<string, ApiKey>();
  if (root === undefined) return keys;
  const list = fieldsOf(root, ['keys']).keys;
  if (list === undefined || list.value === '') return keys;
  for (const placed of listOf(list)) {
    const key = keyOf(placed);
    if (keys.has(key.id)) throw refusal(placed, `${shown(key.id)} stands twice: ids are unique`);
    keys.set(key.id, key);
  }
  return keys;
}

function keyOf(placed: Placed): ApiKey {
  const fields = fieldsOf(placed, keyFields);
  const { description, created, expires, revoked } = fields;
  return {
    id: idOf(required(placed, fields.id, 'id')),
    description: description === undefined ? null : textOf(description),
    hash: hashIn(required(placed, fields.hash, 'hash')),
    grant: grantOf(placed, fields),
    createdMs: created === undefined ? null : instantOf(created),
    expiresMs: expires === undefined ? null : instantOf(expires),
    isRevoked: revoked !== undefined && isRevoked(revoked),
  };
}

function idOf(placed: Placed): string {
  const id = textOf(placed);
  if (!keyIdPattern.test(id))
    throw refusal(placed, `${shown(id)} is not allowed: 1 to 64 of a-z, 0-9, "-" and ".", not first`);
  return id;
}

/** Never shown: what stands here by mistake may be the token itself. */
function hashIn(placed: Placed): Buffer {
  const digits = /^sha256:([0-9a-f]{64})$/.exec(textOf(placed))?.[1];
  if (digits === undefined)
    throw refusal(placed, 'the value (not shown) is not allowed: sha256: and 64 hexadecimal digits');
  return Buffer.from(digits, 'hex');
}

/** An instant, which is a record and not a date to come: a key that names it is revoked. */
function isRevoked(placed: Placed): boolean {
  if (placed.value === 'true' || placed.value === 'false') return placed.value === 'true';
  instantOf(placed);
  return true;
}

export function isExpired({ expiresMs }: ApiKey, nowMs: number): boolean {
  return expiresMs !== null && nowMs >= expiresMs;
}

import { grantFields, grantOf, type Grant } from './grant-fields.ts';
import { isLoopback } from './loopback.ts';
import { pattern, type Pattern } from './pattern.ts';
import { fieldsOf, listOf, readPlaced, refusal, required, shown, textOf, textsOf, type Placed } from './placed.ts';

/** Signatures with a public key. None with a shared secret: whoever knew it could write tokens. */
const algorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'],
] as const;

/** Whose tokens are taken, as the file of issuers says it (docs/access.md). */
export interface Issuer {
  readonly issuer: string;
  readonly audience: string;
  /** Absent: as the issuer's own description says. */
  readonly jwksUri: URL | undefined;
  readonly algorithms: readonly string[];
  /** The first whose claims all match counts. */
  readonly rules: readonly Rule[];
}

export interface Rule {
  readonly claims: ReadonlyMap<string, readonly Pattern[]>;
  readonly grant: Grant;
}

const issuerFields = ['issuer', 'audience', 'jwks-uri', 'algorithms', 'rules'] as const;

/** The issuers of a file; an empty file has none. Throws `invalid_setting` with the place of what is wrong. */
export function parseIssuers(text: string, file: string): readonly Issuer[] {
  const root = readPlaced(text, file);
  const list = root === undefined ? undefined : fieldsOf(root, ['issuers']).issuers;
  if (list === undefined || list.value === '') return [];
  const issuers = new Map<string, Issuer>();
  for (const placed of listOf(list)) {
    const issuer = issuerOf(placed);
    if (issuers.has(issuer.issuer)) throw refusal(placed, `${shown(issuer.issuer)} stands twice`);
    issuers.set(issuer.issuer, issuer);
  }
  return [...issuers.values()];
}

function issuerOf(placed: Placed): Issuer {
  const fields = fieldsOf(placed, issuerFields);
  const issuer = required(placed, fields.issuer, 'issuer');
  safeUrl(issuer);
  const jwksUri = fields['jwks-uri'];
  return {
    issuer: textOf(issuer),
    audience: textOf(required(placed, fields.audience, 'audience')),
    jwksUri: jwksUri === undefined ? undefined : safeUrl(jwksUri),
    algorithms: fields.algorithms === undefined ? ['RS256', 'ES256'] : textsOf(fields.algorithms).map(algorithmOf),
    rules: listOf(required(placed, fields.rules, 'rules')).map((rule) => ruleOf(rule, textOf(issuer))),
  };
}

function safeUrl(placed: Placed): URL {
  const url = URL.canParse(textOf(placed)) ? new URL(textOf(placed)) : undefined;
  if (url === undefined || !isSafe(url))
    throw refusal(placed, `${shown(textOf(placed))} is not allowed: an https:// URL without user and password`);
  return url;
}

/** Who can change keys on their way can write tokens: they are fetched with https, or from this machine. */
export function isSafe({ protocol, hostname, username, password }: URL): boolean {
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}

function algorithmOf(placed: Placed): string {
  const text = textOf(placed);
  if (!algorithms.some((one) => one === text))
    throw refusal(placed, `${shown(text)} is not allowed: ${algorithms.join(', ')}`);
  return text;
}

/** Of issuers that sign for everybody: the claims of which a rule has to name one, or every stranger's job matches. */
const ownerClaims: ReadonlyMap<string, readonly string[]> = new Map([
  [
    'https://token.actions.githubusercontent.com',
    ['repository', 'repository_id', 'repository_owner', 'repository_owner_id', 'sub', 'job_workflow_ref', 'enterprise'],
  ],
  [
    'https://gitlab.com',
    ['project_path', 'project_id', 'namespace_path', 'namespace_id', 'sub', 'user_login', 'user_id'],
  ],
]);

function ruleOf(placed: Placed, issuer: string): Rule {
  const fields = fieldsOf(placed, ['claims', ...grantFields]);
  const claims = required(placed, fields.claims, 'claims');
  const entries = Object.entries(mapOf(claims)).map(([name, value]) => {
    const globs = textsOf({ value, path: [...claims.path, name], source: claims.source });
    return [name, globs.map(textOf)] as const;
  });
  // The issuers of public CI systems sign for all the world: a rule that everybody matches is a mistake.
  const narrow = entries.filter(([, globs]) => globs.every((glob) => /[a-z0-9]/i.test(glob))).map(([name]) => name);
  if (narrow.length === 0)
    throw refusal(claims, 'not allowed: name at least one claim with more than wildcards, such as repository: acme/*');
  const owners = ownerClaims.get(issuer.replace(/\/$/, ''));
  if (owners !== undefined && !narrow.some((name) => owners.includes(name)))
    throw refusal(claims, `not allowed: ${issuer} signs for everybody: name one of ${owners.join(', ')}`);
  return {
    claims: new Map(entries.map(([name, globs]) => [name, globs.map(pattern)])),
    grant: grantOf(placed, fields),
  };
}

function mapOf(placed: Placed): object {
  const { value } = placed;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw refusal(placed, 'not allowed: a map of claims and patterns, such as repository: acme/*');
  return value;
}

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportSPKI, importJWK, SignJWT, UnsecuredJWT, type CryptoKey } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openAccessControl, type LiveAccess } from '../../src/access/create-access.ts';
import { parseIssuers } from '../../src/access/issuers-file.ts';
import type { Clock } from '../../src/clock.ts';
import { systemClock } from '../../src/clock.ts';
import { issuerKey, startIssuer, type IssuerKey, type TestIssuer } from '../support/issuer.ts';
import { createRecordingLog } from '../support/recording-log.ts';
import { scratch } from '../support/scratch.ts';

let [current, next, elliptic]: IssuerKey[] = [];
let issuer: TestIssuer;
let access: LiveAccess;
let offsetMs = 0;
const clock: Clock = {
  now: () => {
    const { wallMs, monotonicMs } = systemClock.now();
    return { wallMs, monotonicMs: monotonicMs + offsetMs };
  },
  sleep: (ms, signal) => systemClock.sleep(ms, signal),
};

const key = (one: IssuerKey | undefined): IssuerKey => {
  if (one === undefined) throw new Error('no key');
  return one;
};

beforeAll(async () => {
  [current, next, elliptic] = await Promise.all([issuerKey('a'), issuerKey('b'), issuerKey('c', 'ES256')]);
});

async function open(
  rules = '[{claims: {repository: acme/*, ref: refs/heads/main}, scopes: [decide], slos: [shop-*]}]',
) {
  const oidcFile = join(scratch(), 'issuers.yaml');
  writeFileSync(oidcFile, `issuers:\n  - issuer: ${issuer.url}\n    audience: aegis\n    rules: ${rules}\n`, {
    mode: 0o600,
  });
  return openAccessControl(
    { keysFile: undefined, oidcFile, openMetrics: false },
    { clock, log: createRecordingLog(), onReload: () => undefined },
  );
}

beforeEach(async () => {
  offsetMs = 0;
  issuer = await startIssuer([key(current), key(elliptic)]);
  access = await open();
});
afterEach(async () => {
  await access.stop();
  await issuer.close();
});
afterAll(() => undefined);

const identify = async (token: string) => access.identify({ token, isAdminSocket: false, address: '10.0.0.1' });

describe('a token of an issuer', () => {
  it('is taken with what its rule allows, whatever the kind of its key, for one fetch', async () => {
    for (const signer of [current, elliptic]) {
      const identified = await identify(await issuer.sign(key(signer)));
      if (identified.kind !== 'identified') throw new Error(identified.message);
      const { identity } = identified;
      expect(identity).toMatchObject({
        kind: 'oidc',
        name: expect.stringMatching(/^repo:acme\/shop:ref:refs\/heads\/main@127\.0\.0\.1:\d+$/) as unknown,
        seesAll: false,
      });
      expect([...identity.scopes]).toEqual(['decide']);
      const slo = { service: 's', environment: 'e' };
      expect([identity.maySee({ ...slo, id: 'shop-cart' }), identity.maySee({ ...slo, id: 'bank' })]).toEqual([
        true,
        false,
      ]);
    }
    expect(issuer.fetches()).toBe(1);
  });

  it('has the first rule that matches, and no more', async () => {
    const other = await open(
      '[{claims: {ref: refs/tags/v*}, scopes: [admin]}, {claims: {groups: ops}, scopes: [read]}]',
    );
    const groups = await other.identify({
      token: await issuer.sign(key(current), { groups: ['dev', 'ops'] }),
      isAdminSocket: false,
      address: '',
    });
    expect(groups).toMatchObject({ kind: 'identified', identity: { seesAll: true } });
    if (groups.kind === 'identified') expect([...groups.identity.scopes]).toEqual(['read']);
    await other.stop();
  });

  const nowS = Math.floor(Date.now() / 1000);
  it.each<[string, Record<string, unknown>, string]>([
    ['of another repository', { repository: 'evil/shop' }, 'no rule lets the token of'],
    ['of a repository whose name begins alike', { repository: 'acme-evil/shop' }, 'no rule'],
    ['of a repository below', { repository: 'acme/shop/evil' }, 'no rule'],
    ['of another branch', { ref: 'refs/heads/evil' }, 'no rule'],
    ['without the claim', { repository: undefined }, 'no rule'],
    ['with an object in its place', { repository: { 'acme/shop': true } }, 'no rule'],
    ['for another audience', { aud: 'others' }, 'its claim aud'],
    ['of another issuer', { iss: 'https://evil.example.com' }, 'of this issuer are not taken'],
    ['without an issuer', { iss: undefined }, 'of this issuer are not taken'],
    ['without a subject', { sub: undefined }, 'its claim sub'],
    ['with an empty subject', { sub: '' }, 'the subject of the token'],
    ['without an end', { exp: undefined }, 'its claim exp'],
    ['that has expired', { exp: nowS - 60 }, 'has expired'],
    ['that is not valid yet', { nbf: nowS + 600 }, 'its claim nbf'],
  ])('%s is refused', async (_, claims, message) => {
    const identified = await identify(await issuer.sign(key(current), claims));
    expect(identified).toMatchObject({ kind: 'refused', message: expect.stringContaining(message) as unknown });
  });

  it('of a clock that is a little off is taken', async () => {
    const soon = { nbf: nowS + 20, exp: nowS + 600 };
    expect(await identify(await issuer.sign(key(current), soon))).toMatchObject({ kind: 'identified' });
  });
});

describe('a forged token', () => {
  const claims = () => ({
    iss: issuer.url,
    aud: 'aegis',
    sub: 'x',
    repository: 'acme/shop',
    ref: 'refs/heads/main',
    exp: Date.now() / 1000 + 300,
  });

  it('without a signature (alg: none) is refused', async () => {
    const token = new UnsecuredJWT(claims()).encode();
    expect(await identify(token)).toMatchObject({ kind: 'refused', reason: 'invalid_token' });
    const header = Buffer.from('{"alg":"none","kid":"a"}').toString('base64url');
    expect(await identify(`${header}.${token.split('.')[1] ?? ''}.`)).toMatchObject({ kind: 'refused' });
  });

  it('signed with the public key as a secret (HS256) is refused', async () => {
    const pem = await exportSPKI((await importJWK(key(current).jwk, 'RS256')) as CryptoKey);
    for (const secret of [pem, JSON.stringify(key(current).jwk), key(current).jwk.n ?? '']) {
      const signed = new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid: 'a' });
      expect(await identify(await signed.sign(Buffer.from(secret)))).toMatchObject({ kind: 'refused' });
    }
  });

  it('signed with another key under a known id, or changed after it was signed, is refused', async () => {
    const swapped = await issuer.sign({ ...key(next), kid: 'a' });
    expect(await identify(swapped)).toMatchObject({ kind: 'refused', reason: 'invalid_token' });
    const [header = '', , signature = ''] = (await issuer.sign(key(current), { repository: 'evil/x' })).split('.');
    const body = Buffer.from(JSON.stringify(claims())).toString('base64url');
    expect(await identify(`${header}.${body}.${signature}`)).toMatchObject({ kind: 'refused' });
  });

  it('that brings its own key is refused', async () => {
    const header = { alg: 'RS256', kid: 'a', jwk: key(next).jwk, jku: `${issuer.url}/keys` };
    const token = await new SignJWT(claims()).setProtectedHeader(header).sign(key(next).privateKey);
    expect(await identify(token)).toMatchObject({ kind: 'refused' });
  });

  it('that does not name its key is refused', async () => {
    const token = await new SignJWT(claims()).setProtectedHeader({ alg: 'RS256' }).sign(key(current).privateKey);
    expect(await identify(token)).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('kid') as unknown,
    });
  });

  it.each(['a.b.c', 'e30.e30.', '..', `${'x'.repeat(8000)}.e30.e30`])('of nonsense is refused (%#)', async (token) => {
    expect(await identify(token)).toMatchObject({ kind: 'refused' });
  });
});

describe('the keys of an issuer', () => {
  it('are fetched again for an unknown id, so that a rotation needs nobody', async () => {
    await identify(await issuer.sign(key(current)));
    issuer.show([key(next)]);
    offsetMs += 11_000;
    expect(await identify(await issuer.sign(key(next)))).toMatchObject({ kind: 'identified' });
    expect(await identify(await issuer.sign(key(current)))).toMatchObject({ kind: 'refused' });
  });

  it('are not fetched for each of a flood of unknown ids', async () => {
    await identify(await issuer.sign(key(current)));
    const tokens = await Promise.all([...Array(100).keys()].map((n) => issuer.sign({ ...key(next), kid: `k${n}` })));
    offsetMs += 11_000;
    await Promise.all(tokens.map(identify));
    await Promise.all(tokens.map(identify));
    expect(issuer.fetches()).toBe(2);
  });

  it.each(['down', 'silent', 'nonsense'] as const)(
    'that cannot be fetched (%s) let nobody in, and go on where they were',
    async (how) => {
      issuer.show(how);
      const token = await issuer.sign(key(current));
      expect(await identify(token)).toMatchObject({ kind: 'refused', reason: 'unavailable', retryAfterS: 10 });
      issuer.show([key(current)]);
      offsetMs += 11_000;
      expect(await identify(token)).toMatchObject({ kind: 'identified' });
      issuer.show(how);
      offsetMs += 3_600_000;
      expect(await identify(token)).toMatchObject({ kind: 'identified' });
      offsetMs += 24 * 3_600_000;
      expect(await identify(token)).toMatchObject({ kind: 'refused', reason: 'unavailable' });
    },
  );
});

describe('a file of issuers', () => {
  const of = (rest: string) => `issuers:\n  - issuer: https://ci.example.com\n    audience: a\n    rules: ${rest}\n`;

  it.each([
    ['http elsewhere', 'issuers: [{issuer: "http://ci.example.com", audience: a, rules: []}]', 'an https:// URL'],
    ['no audience', 'issuers: [{issuer: "https://ci.example.com", rules: []}]', 'issuers[0]: audience is missing'],
    [
      'a shared secret',
      'issuers: [{issuer: "https://c.example", audience: a, algorithms: [HS256], rules: []}]',
      '"HS256" is not allowed',
    ],
    [
      'alg none',
      'issuers: [{issuer: "https://c.example", audience: a, algorithms: none, rules: []}]',
      '"none" is not allowed',
    ],
    ['a rule for all', of('[{claims: {repository: "**"}, scopes: [decide]}]'), 'more than wildcards'],
    [
      'a rule for a branch of everybody',
      'issuers: [{issuer: "https://token.actions.githubusercontent.com", audience: a, rules: [{claims: {ref: refs/heads/main, repository: "*/*"}, scopes: [decide]}]}]',
      'signs for everybody: name one of repository,',
    ],
    ['a rule without claims', of('[{scopes: [decide]}]'), 'claims is missing'],
    ['a rule without scopes', of('[{claims: {sub: a}}]'), 'scopes is missing'],
    ['a field misspelled', of('[{claims: {sub: a}, scopes: [read], slo: [a]}]'), 'rules[0].slo: no such field'],
  ])('with %s is refused with its place', (_, text, message) => {
    expect(() => parseIssuers(text, 'f')).toThrow(message);
  });
});

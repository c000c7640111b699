import { describe, expect, it } from 'vitest';
import { parseKeys } from '../../src/access/keys-file.ts';

const hash = `sha256:${'ab'.repeat(32)}`;
const key = (rest: string) => `keys:\n  - id: deploy\n    hash: ${hash}\n    scopes: [decide]\n${rest}`;

describe('a file of keys', () => {
  it('is read with its defaults', () => {
    const found = parseKeys(key(''), 'keys.yaml').get('deploy');
    expect(found).toMatchObject({ id: 'deploy', isRevoked: false, expiresMs: null, createdMs: null });
    expect([...(found?.grant.scopes ?? [])]).toEqual(['decide']);
  });

  it.each([
    ['empty', ''],
    ['of a comment', '# none yet\n'],
    ['without entries', 'keys:\n'],
    ['of an empty list', 'keys: []\n'],
    ['JSON', '{"keys": []}'],
  ])('%s has no keys', (_, text) => {
    expect(parseKeys(text, 'keys.yaml').size).toBe(0);
  });

  it('is JSON as well as YAML, and its instants are days too', () => {
    const entry = { id: 'a.b-1', hash, scopes: ['read', 'decide'], expires: '2027-01-01', revoked: true };
    const found = parseKeys(JSON.stringify({ keys: [entry] }), 'keys.json').get('a.b-1');
    expect(found).toMatchObject({ expiresMs: Date.UTC(2027, 0, 1), isRevoked: true });
  });

  it.each([
    [
      'two of one id',
      `${key('')}  - id: deploy\n    hash: ${hash}\n    scopes: [read]\n`,
      'k:5:5: keys[1]: "deploy" stands twice',
    ],
    ['no YAML', 'keys: [', 'k:1:8: not valid YAML or JSON'],
    ['a list', '- a\n', 'k:1:1: not allowed: a map of keys'],
    ['another field', 'kyes: []\n', 'k:1:7: kyes: no such field: there are keys'],
    ['an unknown field', key('    slo: [a]\n'), 'k:5:10: keys[0].slo: no such field'],
    [
      'no scopes',
      `keys:\n  - id: a\n    hash: ${hash}\n`,
      'k:2:5: keys[0]: scopes is missing: one or more of read, decide, admin',
    ],
    [
      'a scope that is none',
      key('').replace('decide', 'admn'),
      'k:4:14: keys[0].scopes[0]: "admn" is not allowed: read, decide, admin',
    ],
    ['no hash', 'keys:\n  - id: a\n    scopes: [read]\n', 'k:2:5: keys[0]: hash is missing'],
    ['an id with _', key('').replace('deploy', 'de_ploy'), 'k:2:9: keys[0].id: "de_ploy" is not allowed'],
    ['an instant that is none', key('    expires: soon\n'), 'k:5:14: keys[0].expires: not allowed: an instant such as'],
    ['restrictions of nothing', key('    slos: []\n'), 'k:5:11: keys[0].slos: not allowed: empty'],
    [
      'a restricted admin',
      key('    services: a\n').replace('decide', 'admin'),
      'keys[0].services: not allowed with the scope admin',
    ],
  ])('with %s is refused with its place', (_, text, message) => {
    expect(() => parseKeys(text, 'k')).toThrow(message);
  });

  it('never shows what stands in the place of a hash', () => {
    const text = key('').replace(hash, 'aegis_deploy_secret');
    expect(() => parseKeys(text, 'k')).toThrow('k:3:11: keys[0].hash: the value (not shown) is not allowed');
  });
});

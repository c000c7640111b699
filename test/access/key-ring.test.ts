import { expect, test } from 'vitest';
import { hashOf, newToken } from '../../src/access/api-key.ts';
import { keyRing } from '../../src/access/key-ring.ts';
import { parseKeys } from '../../src/access/keys-file.ts';

const token = newToken('ci');
const ringOf = (more: string) =>
  keyRing(
    parseKeys(
      `keys: [{id: ci, hash: "sha256:${hashOf(token).toString('hex')}", scopes: [decide]${more}}]`,
      'keys.yaml',
    ),
  );

test('a key that was used is looked at anew each time: it expires while it is in use', () => {
  const ring = ringOf(', expires: 2026-11-22T12:00:00Z');
  const noonMs = Date.UTC(2026, 10, 22, 12);
  const at = (ms: number) => ring.identify(token, ms);
  expect([at(noonMs - 2), at(noonMs - 1)]).toMatchObject([{ kind: 'identified' }, { kind: 'identified' }]);
  expect([at(noonMs), at(noonMs)]).toMatchObject([{ reason: 'expired' }, { reason: 'expired' }]);
});

test('a key that was used and is revoked in the next reading lets nobody in', () => {
  expect(ringOf('').identify(token, 0)).toMatchObject({ kind: 'identified' });
  const revoked = ringOf(', revoked: true');
  expect([revoked.identify(token, 0), revoked.identify(token, 0)]).toMatchObject([
    { reason: 'revoked' },
    { reason: 'revoked' },
  ]);
});

test('after a key was used, another token of its id is still unknown', () => {
  const ring = ringOf('');
  ring.identify(token, 0);
  expect(ring.identify(newToken('ci'), 0)).toMatchObject({ reason: 'unknown' });
  expect(ring.identify(`${token}x`, 0)).toBeUndefined();
});

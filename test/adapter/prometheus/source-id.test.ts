import { expect, it } from 'vitest';
import { sourceIdOf } from '../../../src/adapter/prometheus/source-id.ts';
import { settingsFor } from './settings.ts';

const idOf = (url: string, changes: Parameters<typeof settingsFor>[1] = {}) => sourceIdOf(settingsFor(url, changes));
const plain = idOf('http://p:9090/prometheus');

it.each<[string, string]>([
  ['another server', idOf('http://q:9090/prometheus')],
  ['another path', idOf('http://p:9090/select/0/prometheus')],
  ['a filter in the query', idOf('http://p:9090/prometheus?extra_label=team=a')],
  ['another filter in the query', idOf('http://p:9090/prometheus?extra_label=team=b')],
  ['a tenant', idOf('http://p:9090/prometheus', { headers: { 'X-Scope-OrgID': 'a' } })],
  ['another tenant', idOf('http://p:9090/prometheus', { headers: { 'X-Scope-OrgID': 'b' } })],
  ['a user', idOf('http://p:9090/prometheus', { username: 'a' })],
])('%s is another source', (_, id) => {
  expect(id).not.toBe(plain);
});

it('tells filters and tenants apart', () => {
  const urls = ['?extra_label=team=a', '?extra_label=team=b', '?extra_label=team=a&extra_label=env=b'];
  expect(new Set(urls.map((query) => idOf(`http://p:9090/${query}`))).size).toBe(3);
  expect(idOf('http://p', { headers: { 'x-scope-orgid': 'a' } })).toBe(
    idOf('http://p', { headers: { 'X-Scope-OrgID': 'a' } }),
  );
});

it('has nothing of a secret, so that a new one makes no other source', () => {
  expect(idOf('http://p:9090/prometheus?token=abc')).toBe(plain);
  expect(idOf('http://p:9090/prometheus', { bearerToken: 'abc', headers: { authorization: 'abc' } })).toBe(plain);
});

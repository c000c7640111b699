import { expect, test } from 'vitest';
import { loggedRoutes, requestLog } from '../../src/config/request-log.ts';
import { anApi } from '../support/api.ts';

test.each([
  ['/v1/gate/decision=off', [['/v1/gate/decision', 'off']]],
  [
    '/metrics=DEBUG, /v1/slo/:id=warn,none=error',
    Object.entries({ '/metrics': 'debug', '/v1/slo/:id': 'warn', none: 'error' }),
  ],
])('%s', (text, expected) => {
  expect([...(requestLog.parse(text) ?? [])]).toEqual(expected);
});

test.each([
  ['nothing', ''],
  ['no level', '/metrics'],
  ['an unknown level', '/metrics=loud'],
  ['fatal, at which no request is logged', '/metrics=fatal'],
  ['an unknown route', '/v1/gate=off'],
  ['a path in place of its route', '/v1/slo/checkout=off'],
  ['a route twice', '/metrics=off,/metrics=info'],
  ['a comma too many', '/metrics=off,'],
])('refused: %s', (_, text) => {
  expect(requestLog.parse(text)).toBeUndefined();
});

test('every route that is served can be named, and no other', async () => {
  const { app } = anApi();
  await app.ready();
  const served = new Set(app.routeAccess.map(({ url }) => url));
  expect([...loggedRoutes].sort()).toEqual([...served, 'none'].sort());
});

import { readFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RouteAccess } from '../../src/api/deps.ts';
import { anApi } from '../support/api.ts';
import { keyedAccess, type KeyedAccess } from '../support/keyed-access.ts';

const page = new URL('../../docs/access.md', import.meta.url);

let keyed: KeyedAccess;
beforeAll(async () => {
  keyed = await keyedAccess({
    read: { scopes: ['read'] },
    decide: { scopes: ['decide'] },
    admin: { scopes: ['admin'] },
    both: { scopes: ['read', 'decide'], slos: ['api-*'] },
  });
});
afterAll(() => keyed.close());

async function routes(openMetrics = false) {
  const { app } = anApi({ deps: { access: { ...keyed.access, openMetrics } } });
  await app.ready();
  return { app, rows: app.routeAccess.filter(({ methods }) => methods !== 'HEAD') };
}

const columns = ['nobody', 'read', 'decide', 'admin', 'both'] as const;

/** The rule in words: admin may all; metrics are for readers; the rest for the scopes that it names. */
function may(who: (typeof columns)[number], needed: RouteAccess, perSlo: boolean): boolean {
  if (needed === 'open' || who === 'admin') return true;
  if (who === 'nobody' || needed === 'admin') return false;
  const scopes: readonly string[] = needed === 'metrics' ? ['read'] : needed;
  return who === 'both' ? perSlo : scopes.includes(who);
}

describe('who may do what', () => {
  it('stands in docs/access.md (vitest run test/api/access-table.test.ts --update writes it anew)', async () => {
    const { rows } = await routes();
    const cell = (is: boolean) => (is ? 'yes' : '-');
    const lines = rows.map(({ methods, url, needed, perSlo }) => {
      const path = url.replaceAll(/:(\w+)/g, '{$1}');
      const cells = columns.map((who) => cell(may(who, needed, perSlo)));
      return `| \`${methods} ${path}\` | ${cells.join(' | ')} |`;
    });
    const head = '| route | without a key | read | decide | admin | read and decide, some SLOs |';
    const table = [head, '| --- | --- | --- | --- | --- | --- |', ...lines].join('\n');
    const text = readFileSync(page, 'utf8').replace(
      /(<!-- routes: begin -->)[^]*(<!-- routes: end -->)/,
      `$1\n\n${table}\n\n$2`,
    );
    const style = await resolveConfig('docs/access.md');
    await expect(await format(text, { ...style, parser: 'markdown' })).toMatchFileSnapshot('../../docs/access.md');
  });

  it('has every route of the description', async () => {
    const { app, rows } = await routes();
    const described = (await app.inject('/openapi.json')).json<{ paths: Record<string, object> }>();
    const operations = Object.entries(described.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const inTable = rows.map(({ methods, url }) => `${methods} ${url.replaceAll(/:(\w+)/g, '{$1}')}`);
    expect(operations.length).toBeGreaterThan(15);
    for (const operation of operations) expect(inTable).toContain(operation);
  });

  it.each(columns)('is so on the running API for %s', async (who) => {
    const { app, rows } = await routes();
    for (const { methods, url, needed, perSlo } of rows) {
      if (url.includes('*')) continue; // a page's file
      const path = url
        .replace('/v1/state/:service/:env', '/v1/state/api-gateway/production')
        .replaceAll(/:\w+/g, 'api-availability');
      const query = url.startsWith('/v1/audit') ? '?sloID=api-availability' : '';
      const answer = await app.inject({
        method: methods as 'GET',
        url: path + query,
        ...(url === '/v1/gate/decision' && { payload: { sloID: 'api-availability' } }),
        headers: who === 'nobody' ? {} : { 'x-api-key': keyed.tokenOf(who) },
      });
      const isRefused = answer.statusCode === 401 || answer.statusCode === 403;
      expect([methods, url, isRefused]).toEqual([methods, url, !may(who, needed, perSlo)]);
    }
  });

  it('leaves /metrics to everybody where that is set', async () => {
    const { app } = await routes(true);
    expect((await app.inject('/metrics')).statusCode).toBe(200);
  });
});

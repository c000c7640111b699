import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anApi } from '../support/api.ts';
import { anEvaluation } from '../support/evaluation.ts';
import { keyedAccess, type KeyedAccess } from '../support/keyed-access.ts';
import { anSlo } from '../support/slo.ts';

interface Page {
  readonly decisions: readonly { readonly sloID: string; readonly decision: string; readonly age: number | null }[];
  readonly total: number;
  readonly nextCursor: string | null;
}

const slos = ['c', 'a', 'B'].map((name) => anSlo({ id: `${name}-slo`, service: name, environment: 'production' }));
const staging = anSlo({ id: 'd-slo', service: 'c', environment: 'staging' });

let keyed: KeyedAccess;
beforeAll(async () => {
  keyed = await keyedAccess({ narrow: { scopes: ['decide'], slos: ['a-*'] } });
});
afterAll(() => keyed.close());

describe('GET /v1/decisions', () => {
  it('tells what would be answered now, and writes nothing', async () => {
    const [first = staging] = slos;
    const { app, decisions, served } = anApi({ slos: [first, staging], isFresh: true });
    const evaluation = anEvaluation({ slo: first });
    decisions.set(evaluation, 2 * first.evaluationInterval.ms);
    const list = async () => (await app.inject('/v1/decisions')).json<Page>();
    expect(await list()).toMatchObject({
      decisions: [
        {
          ...{ sloID: 'c-slo', service: 'c', environment: 'production', decision: 'ALLOW', reasonCodes: ['ok'] },
          ...{ evaluationID: evaluation.id, age: (2 * first.evaluationInterval.ms) / 1000, triggeredRules: [] },
        },
        {
          ...{ sloID: 'd-slo', decision: 'WARN', reasonCodes: ['not_evaluated'], reasons: ['not evaluated yet'] },
          ...{ evaluationID: null, timestamp: null, age: null, budgetRemaining: null },
        },
      ],
      total: 2,
      nextCursor: null,
    });
    decisions.set(evaluation, 2 * first.evaluationInterval.ms + 1);
    expect((await list()).decisions[0]).toMatchObject({ decision: 'WARN', reasonCodes: ['overdue'] });
    expect([decisions.asked, served]).toEqual([[], []]);
  });

  it('goes from page to page in the order of ids, each SLO once', async () => {
    const { app } = anApi({ slos: [...slos, staging] });
    const pages: Page[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: Page = (
        await app.inject(`/v1/decisions?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`)
      ).json<Page>();
      pages.push(page);
      cursor = page.nextCursor;
    }
    expect(pages.map(({ decisions }) => decisions.map(({ sloID }) => sloID))).toEqual([
      ['B-slo', 'a-slo'],
      ['c-slo', 'd-slo'],
    ]);
  });

  it.each<[string, readonly string[]]>([
    ['service=c', ['c-slo', 'd-slo']],
    ['service=c&environment=staging', ['d-slo']],
    ['decision=ALLOW&limit=1&cursor=a-slo', ['c-slo']],
    ['decision=BLOCK', []],
  ])('filters by %s', async (query, ids) => {
    const { app } = anApi({ slos: [...slos, staging] });
    const { decisions } = (await app.inject(`/v1/decisions?${query}`)).json<Page>();
    expect(decisions.map(({ sloID }) => sloID)).toEqual(ids);
  });

  it.each(['limit=0', 'decision=allow', 'service=', 'slo=a'])('refuses %s', async (query) => {
    expect((await anApi().app.inject(`/v1/decisions?${query}`)).statusCode).toBe(400);
  });

  it('leaves out what a key may not ask for', async () => {
    const { app } = anApi({ slos, deps: { access: keyed.access } });
    const answer = await app.inject({
      url: '/v1/decisions?limit=1',
      headers: { 'x-api-key': keyed.tokenOf('narrow') },
    });
    expect(answer.json<Page>()).toMatchObject({ decisions: [{ sloID: 'a-slo' }], nextCursor: null });
    expect((await app.inject('/v1/decisions')).statusCode).toBe(401);
  });
});

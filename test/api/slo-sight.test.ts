import { afterEach, describe, expect, it } from 'vitest';
import { anApi } from '../support/api.ts';
import { anEvaluation, noon } from '../support/evaluation.ts';
import { keyedAccess, type KeyedAccess, type KeyFields } from '../support/keyed-access.ts';
import { anSlo } from '../support/slo.ts';

let keyed: KeyedAccess | undefined;
afterEach(async () => {
  await keyed?.close();
  keyed = undefined;
});

const cart = anSlo({ id: 'checkout-cart', service: 'checkout' });
const pay = anSlo({ id: 'checkout-pay', service: 'checkout' });
const search = anSlo({ id: 'search-latency', service: 'search' });

/** The answer's status to a key that may ask for some SLOs, of three. */
async function as(restriction: Omit<KeyFields, 'scopes'>) {
  const { access, tokenOf } = (keyed = await keyedAccess({ some: { scopes: ['read', 'decide'], ...restriction } }));
  const api = anApi({ slos: [cart, pay, search], deps: { access } });
  const headers = { 'x-api-key': tokenOf('some') };
  const get = (url: string) => api.app.inject({ url, headers });
  const decide = (sloID: string) =>
    api.app.inject({ method: 'POST', url: '/v1/gate/decision', payload: { sloID }, headers });
  return { ...api, get, decide };
}

describe('a key for some SLOs', () => {
  it.each([
    ['ids', { slos: ['checkout-c*', 'nothing'] }],
    ['a service', { services: 'checkout', slos: 'checkout-c*' }],
    ['a service and an environment', { services: ['check*'], environments: ['prod*'], slos: ['*-cart'] }],
  ])('by %s is answered about these, and not about others or none', async (_, restriction) => {
    const { decide, get } = await as(restriction);
    expect((await decide('checkout-cart')).statusCode).toBe(200);
    expect((await get('/v1/slo/checkout-cart')).statusCode).toBe(200);
    const [other, none] = [await decide('search-latency'), await decide('search-nothing')];
    expect([other.statusCode, none.statusCode]).toEqual([403, 403]);
    const errorOf = (answer: typeof other) => answer.json<{ error: string }>().error;
    expect(errorOf(other)).toBe('some may not ask for SLO search-latency (or there is none)');
    expect(errorOf(none)).toBe('some may not ask for SLO search-nothing (or there is none)');
    expect((await get('/v1/slo/search-latency')).statusCode).toBe(403);
    const listed = (await get('/v1/slo')).json<{ slos: { id: string }[] }>();
    expect(listed.slos.map(({ id }) => id)).toEqual(['checkout-cart']);
  });

  it('of another environment is refused', async () => {
    const { decide } = await as({ services: ['checkout'], environments: ['staging'] });
    expect((await decide('checkout-cart')).statusCode).toBe(403);
  });

  it('is told an SLO of its own name that there is not', async () => {
    const { decide } = await as({ slos: ['checkout-*'] });
    expect((await decide('checkout-typo')).statusCode).toBe(404);
  });

  it('has the state of a service only where it may see all of it', async () => {
    const part = await as({ slos: ['checkout-cart'] });
    expect((await part.get('/v1/state/checkout/production')).statusCode).toBe(403);
    expect((await part.get('/v1/state/nothing/production')).statusCode).toBe(403);
    await keyed?.close();
    const whole = await as({ services: ['checkout'] });
    expect((await whole.get('/v1/state/checkout/production')).statusCode).toBe(200);
    expect((await whole.get('/v1/state/search/production')).statusCode).toBe(403);
    expect((await whole.get('/v1/state/checkout/nowhere')).statusCode).toBe(404);
  });

  it('has the audit of an SLO that it names, and the evidence of its evaluations', async () => {
    const { get, decisions, audit } = await as({ slos: ['checkout-*'] });
    decisions.set({ ...anEvaluation({ slo: pay }), id: 'of-pay' });
    decisions.set({ ...anEvaluation({ slo: search }), id: 'of-search' });
    const row = { decision: 'WARN', reasons: [], evaluatedAtMs: noon, evidenceJson: '{}', documentJson: null } as const;
    audit.store({ ...row, evaluationId: 'old-search', sloId: 'search-gone', specHash: null });
    audit.store({ ...row, evaluationId: 'old-pay', sloId: 'checkout-gone', specHash: null });
    for (const list of ['/v1/audit', '/v1/audit/decisions']) {
      expect((await get(list)).json()).toMatchObject({ error: 'some may ask for some SLOs only: name one with sloID' });
      expect((await get(`${list}?sloID=search-latency`)).statusCode).toBe(403);
      expect((await get(`${list}?decision=ALLOW`)).statusCode).toBe(403);
      expect((await get(`${list}?sloID=checkout-pay`)).statusCode).toBe(200);
    }
    const statusOf = async (id: string) => (await get(`/v1/evaluations/${id}`)).statusCode;
    expect(await statusOf('of-pay')).toBe(200);
    expect(await statusOf('old-pay')).toBe(200);
    expect(await statusOf('of-search')).toBe(403);
    expect(await statusOf('old-search')).toBe(403);
    expect((await get('/v1/status')).statusCode).toBe(403);
    expect((await get('/v1/audit/orders')).statusCode).toBe(403);
  });
});

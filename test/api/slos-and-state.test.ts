import { describe, expect, it } from 'vitest';
import { anApi } from '../support/api.ts';
import { anEvaluation } from '../support/evaluation.ts';
import { aFileInError } from '../support/fake-catalogue.ts';
import { anSlo } from '../support/slo.ts';

const api = anSlo();
const checkout = anSlo({ id: 'checkout', service: 'checkout', environment: 'production' });
const checkoutToo = anSlo({ id: 'checkout-too', service: 'checkout', environment: 'production' });
const staging = anSlo({ id: 'checkout-staging', service: 'checkout', environment: 'staging' });

describe('GET /v1/slo', () => {
  it('lists what is served', async () => {
    const { app, catalogue } = anApi({ slos: [api, staging] });
    const list = async () => (await app.inject('/v1/slo')).json<{ slos: unknown[] }>();
    expect(await list()).toEqual({
      slos: [
        { id: 'api-availability', service: 'api-gateway', environment: 'production', objective: 0.995 },
        { id: 'checkout-staging', service: 'checkout', environment: 'staging', objective: 0.995 },
      ],
    });
    catalogue.replace([]);
    expect(await list()).toEqual({ slos: [] });
  });
});

describe('GET /v1/slo/{id}', () => {
  it('answers in the shape of the YAML', async () => {
    const answer = await anApi().app.inject('/v1/slo/api-availability');
    expect(answer.json()).toEqual(api.document);
  });

  it.each([
    ['/v1/slo/nope', 'SLO not found: nope'],
    ['/v1/slo/broken', 'SLO not found: broken (bad.yaml)'],
    ['/v1/slo/', 'SLO not found: '],
    ['/v1/slo/a%2Fb', 'SLO not found: a/b'],
    ['/v1/slo/__proto__', 'SLO not found: __proto__'],
  ])('answers 404 to %s', async (url, error) => {
    const { app } = anApi({ filesInError: [aFileInError('bad.yaml', { declares: [{ id: 'broken' }] })] });
    const answer = await app.inject(url);
    expect(answer.statusCode).toBe(404);
    expect(answer.json()).toMatchObject({ error, code: 'unknown_slo' });
  });
});

describe('GET /v1/state/{service}/{env}', () => {
  const slos = [api, checkout, checkoutToo, staging];

  it('tells the worst decision of the SLOs of this service and environment', async () => {
    const { app, decisions, served } = anApi({ slos, isFresh: true });
    const evaluation = anEvaluation({ slo: checkout });
    decisions.set(evaluation);
    const answer = await app.inject('/v1/state/checkout/production');
    // One row of who was told what: the decision of the whole, and an evaluation of it.
    expect(served).toMatchObject([{ sloId: 'checkout', decision: 'WARN', evaluationId: evaluation.id }]);
    expect(answer.json()).toMatchObject({
      service: 'checkout',
      environment: 'production',
      decision: 'WARN',
      slos: ['checkout', 'checkout-too'],
      decisions: { checkout: 'ALLOW', 'checkout-too': 'WARN' },
      reasonCodes: ['not_evaluated'],
    });
    expect(decisions.asked).toEqual([]);
  });

  it('answers 404 where no SLO and no file in error is of it', async () => {
    const { app } = anApi({ slos, filesInError: [aFileInError('other.yaml', { declares: [{ id: 'x' }] })] });
    const answer = await app.inject('/v1/state/checkout/nowhere');
    expect(answer.statusCode).toBe(404);
    expect(answer.json()).toMatchObject({
      error: 'no SLO found for service checkout in environment nowhere',
      code: 'unknown_service',
    });
  });

  it.each([
    ['declares it', { declares: [{ service: 'checkout', environment: 'production' }] }, 'WARN'],
    ['declares the service, of no readable environment', { declares: [{ service: 'checkout' }] }, 'WARN'],
    ['keeps an SLO of it', { keeps: ['checkout'] }, 'WARN'],
    ['declares another environment', { declares: [{ service: 'checkout', environment: 'staging' }] }, 'ALLOW'],
    ['declares nothing that can be read', { declares: [{}] }, 'ALLOW'],
  ])('heeds a file in error that %s', async (_case, file, decision) => {
    const { app } = anApi({ slos, filesInError: [aFileInError('bad.yaml', file)] });
    const answer = await app.inject('/v1/state/checkout/production');
    expect(answer.json()).toMatchObject({ decision, filesInError: decision === 'WARN' ? ['bad.yaml'] : [] });
  });

  it('answers 200 for a service of which only a file in error is known', async () => {
    const file = aFileInError('bad.yaml', { declares: [{ service: 'new', environment: 'production' }] });
    const answer = await anApi({ slos, filesInError: [file] }).app.inject('/v1/state/new/production');
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({
      decision: 'WARN',
      slos: [],
      reasonCodes: ['file_error'],
      filesInError: ['bad.yaml'],
      lastUpdated: null,
    });
  });
});

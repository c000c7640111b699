import { describe, expect, it } from 'vitest';
import { anApi } from '../support/api.ts';
import { anEvaluation } from '../support/evaluation.ts';
import { anSlo } from '../support/slo.ts';

const minuteMs = 60_000;

describe('a decision that is answered', () => {
  const ask = (payload: object, id = 'deploy-42') => ({
    method: 'POST' as const,
    url: '/v1/gate/decision',
    payload: JSON.stringify(payload),
    headers: { 'x-request-id': id },
  });

  it('is written down as it was answered, with who was told', async () => {
    const { app, served } = anApi();
    const beforeMs = Date.now();
    const answer = await app.inject(ask({ sloID: 'api-availability' }));
    expect(served).toEqual([
      {
        atMs: expect.any(Number) as number,
        sloId: 'api-availability',
        decision: 'ALLOW',
        evaluationId: answer.json<{ evaluationID: string }>().evaluationID,
        wasForced: false,
        caller: 'anonymous',
        address: '127.0.0.1',
        requestId: 'deploy-42',
      },
    ]);
    expect(served[0]?.atMs).toBeGreaterThanOrEqual(beforeMs);
  });

  it('is written down as the WARN that an overdue ALLOW is', async () => {
    const slo = anSlo();
    const { app, served, decisions } = anApi({ slos: [slo] });
    decisions.set(anEvaluation({ slo }), 24 * 60 * minuteMs);
    const answer = await app.inject(ask({ sloID: slo.id }));
    expect(answer.json()).toMatchObject({ decision: 'WARN', reasonCodes: ['overdue'] });
    expect(served).toMatchObject([{ decision: 'WARN' }]);
  });

  it('is written down as forced where it was', async () => {
    const { app, served } = anApi();
    await app.inject(ask({ sloID: 'api-availability', forceFresh: true }));
    await app.inject(ask({ sloID: 'api-availability', forceFresh: false }));
    expect(served.map(({ wasForced }) => wasForced)).toEqual([true, false]);
  });

  it('is not written down where it is none', async () => {
    const { app, served } = anApi();
    for (const payload of [{ sloID: 'nope' }, { sloID: '' }, { sloID: 7 }]) await app.inject(ask(payload));
    await app.inject({ method: 'GET', url: '/v1/state/nobody/production' });
    expect((await app.inject({ method: 'HEAD', url: '/v1/state/api-gateway/production' })).statusCode).toBe(200);
    expect(served).toEqual([]);
  });
});

describe.each(['/v1/audit/decisions', '/v1/audit/orders'])('GET %s', (url) => {
  it('asks for a page, and sends its bytes as they are', async () => {
    const { app, audit } = anApi();
    audit.answer('{"records":[{"caller":"ü"}],"total":1,"nextCursor":null}', listOf(url));
    const query = 'caller=repo:a/b&startTime=1970-01-01T00:00:01Z&endTime=1970-01-01T00:00:02Z&limit=7&cursor=abc';
    const answer = await app.inject(`${url}?${query}`);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.body).toBe('{"records":[{"caller":"ü"}],"total":1,"nextCursor":null}');
    expect(audit.asked).toEqual([{ caller: 'repo:a/b', startMs: 1_000, endMs: 2_000, limit: 7, cursor: 'abc' }]);
  });

  it.each([
    ['limit=1e2', 'limit must be a whole number from 1 to 1000'],
    ['caller=', 'caller must be a text of 1 to 256 characters'],
    ['offset=1', 'unknown parameter "offset"'],
    ['endTime=2024-02-30T00:00:00Z', 'endTime must be an instant that exists'],
    ['startTime=2024-01-02T00:00:00Z&endTime=2024-01-01T00:00:00Z', 'is after endTime'],
  ])('answers 400 to ?%s and asks nothing', async (query, error) => {
    const { app, audit } = anApi();
    const answer = await app.inject(`${url}?${query}`);
    expect(answer.statusCode).toBe(400);
    expect(answer.json<{ error: string }>().error).toContain(error);
    expect(audit.asked).toEqual([]);
  });

  it('answers 503 where the database cannot be read', async () => {
    const { app, audit } = anApi();
    audit.breakDown();
    const answer = await app.inject(url);
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({ code: 'audit_unavailable' });
  });
});

it('GET /v1/audit/decisions takes filters of its own', async () => {
  const { app, audit } = anApi();
  await app.inject('/v1/audit/decisions?sloID=a&decision=BLOCK&evaluationID=e');
  expect(audit.asked).toEqual([{ limit: 100, sloId: 'a', decision: 'BLOCK', evaluationId: 'e' }]);
  expect((await app.inject('/v1/audit/decisions?decision=block')).statusCode).toBe(400);
});

function listOf(url: string): 'decisions' | 'orders' {
  return url.endsWith('decisions') ? 'decisions' : 'orders';
}

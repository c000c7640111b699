import { describe, expect, it } from 'vitest';
import type { DecisionAnswer } from '../../src/policy/answer.ts';
import type { Served } from '../../src/policy/decision-source.ts';
import { aFileInError } from '../support/fake-catalogue.ts';
import { anApi, type TestApi } from '../support/api.ts';
import { aMeasurement, anEvaluation } from '../support/evaluation.ts';
import { anSlo } from '../support/slo.ts';

function ask({ app }: TestApi, payload: string, headers: Record<string, string> = {}) {
  return app.inject({ method: 'POST', url: '/v1/gate/decision', payload, headers });
}

describe('POST /v1/gate/decision', () => {
  it("answers with every key of the README's response", async () => {
    const answer = await ask(anApi(), '{"sloID": "api-availability", "forceFresh": false}');
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({
      decision: 'ALLOW',
      sloID: 'api-availability',
      timestamp: '2026-11-20T12:00:00.000Z',
      ttl: 300,
      sli: { value: 0.9995, errorRate: 0.0005, budgetRemaining: 0.9 },
      reasons: ['all burn rate checks passed'],
      reasonCodes: ['ok'],
      burnRates: {
        '5m': { burnRate: 0.1, threshold: 14 },
        '1h': { burnRate: 0.1, threshold: 14 },
        '6h': { burnRate: 0.1, threshold: 7 },
        '30d': { burnRate: 0.1 },
      },
      isStale: false,
      hasNoTraffic: false,
      age: 0,
      adapter: 'prometheus',
      notes: [],
    });
  });

  it('tells the age of a decision and does not serve an overdue ALLOW', async () => {
    const api = anApi();
    api.decisions.set(anEvaluation(), 601_000);
    const answer = (await ask(api, '{"sloID":"api-availability"}')).json<DecisionAnswer>();
    expect(answer).toMatchObject({ decision: 'WARN', age: 601, reasonCodes: ['overdue'] });
    expect(answer.reasons).toEqual(['decision is overdue (evaluated 10m ago, interval 5m)']);
  });

  it('writes null for numbers that are not known', async () => {
    const api = anApi();
    const slo = anSlo();
    const failure = { role: 'good', reason: 'timeout', detail: 'no answer in 8s', attempts: 2 } as const;
    const measurement = aMeasurement(slo, { '*': { state: 'failed', failure } });
    api.decisions.set(anEvaluation({ slo, measurement }));
    const answer = (await ask(api, '{"sloID":"api-availability"}')).json<DecisionAnswer>();
    expect(answer.decision).toBe('WARN');
    expect(answer.sli).toEqual({ value: null, errorRate: null, budgetRemaining: null });
    expect(answer.burnRates['5m']).toEqual({ burnRate: null, threshold: 14 });
  });

  it('evaluates an SLO that was not evaluated yet, and only then', async () => {
    const api = anApi({ isFresh: true });
    const evaluation = anEvaluation();
    api.decisions.onEvaluate(() => Promise.resolve({ evaluation, ageMs: 3, audited: true }));
    expect((await ask(api, '{"sloID":"api-availability"}')).json()).toMatchObject({ decision: 'ALLOW', audited: true });
    api.decisions.set(evaluation);
    await ask(api, '{"sloID":"api-availability"}');
    expect(api.decisions.asked).toEqual(['api-availability first']);
  });

  it('evaluates when it is forced, and says whether the row is stored', async () => {
    const api = anApi();
    const evaluation = anEvaluation();
    api.decisions.onEvaluate(() => Promise.resolve({ evaluation, ageMs: 0, audited: false }));
    const answer = await ask(api, '{"sloID":"api-availability","forceFresh":true}');
    expect(answer.json()).toMatchObject({ evaluationID: evaluation.id, audited: false });
    expect(api.decisions.asked).toEqual(['api-availability forced']);
  });

  it('answers 500, and no decision, where evaluating throws', async () => {
    const api = anApi();
    api.decisions.onEvaluate(() => Promise.reject<Served>(new Error('a bug with a secret in it')));
    const answer = await ask(api, '{"sloID":"api-availability","forceFresh":true}');
    expect(answer.statusCode).toBe(500);
    expect(answer.json()).toMatchObject({ error: 'internal error', code: 'internal' });
    expect(api.log.lines.find(({ level }) => level === 'error')?.fields.error).toBe('a bug with a secret in it');
  });

  it.each([
    ['an unknown SLO', '{"sloID":"nope"}', 'no evaluation found for SLO: nope'],
    ['an SLO whose file is in error', '{"sloID":"broken"}', 'no evaluation found for SLO: broken (bad.yaml)'],
    ['a forced one', '{"sloID":"nope","forceFresh":true}', 'no evaluation found for SLO: nope'],
    ['a name of the prototype', '{"sloID":"__proto__"}', 'no evaluation found for SLO: __proto__'],
  ])('answers 404 for %s', async (_case, body, error) => {
    const answer = await ask(
      anApi({ filesInError: [aFileInError('bad.yaml', { declares: [{ id: 'broken' }] })] }),
      body,
    );
    expect(answer.statusCode).toBe(404);
    expect(answer.json()).toMatchObject({ error, code: 'unknown_slo' });
  });

  it('answers 404 where the SLO goes while it is evaluated', async () => {
    const api = anApi();
    api.decisions.onEvaluate(() => Promise.resolve(undefined));
    expect((await ask(api, '{"sloID":"api-availability","forceFresh":true}')).statusCode).toBe(404);
  });

  it.each([
    'application/x-www-form-urlencoded',
    'text/plain',
    'application/json; charset=utf-8',
    'multipart/form-data; boundary=x',
    'not a content type',
    '',
  ])('reads JSON under the content type "%s"', async (type) => {
    const answer = await ask(anApi(), '{"sloID":"api-availability"}', { 'content-type': type });
    expect(answer.statusCode).toBe(200);
  });

  it.each([
    ['no body', '', 'the body is not valid JSON: it is empty', 'invalid_json'],
    ['half a body', '{"sloID":', 'the body is not valid JSON: ', 'invalid_json'],
    ['a form', 'sloID=api-availability', 'the body is not valid JSON: ', 'invalid_json'],
    ['an array', '["api-availability"]', 'the body must be a JSON object, not ["api-availability"]', 'invalid_request'],
    ['null', 'null', 'the body must be a JSON object, not null', 'invalid_request'],
    ['a text', '"api-availability"', 'the body must be a JSON object, not "api-availability"', 'invalid_request'],
    ['an empty object', '{}', 'sloID required', 'invalid_request'],
    ['an empty sloID', '{"sloID":""}', 'sloID required', 'invalid_request'],
    ['a sloID in other letters', '{"sloid":"a"}', 'sloID required (it is spelled "sloid" here)', 'invalid_request'],
    ['a sloID under __proto__', '{"__proto__":{"sloID":"api-availability"}}', 'sloID required', 'invalid_request'],
    ['a number for sloID', '{"sloID":5}', 'sloID must be a string, not 5', 'invalid_request'],
    ['null for sloID', '{"sloID":null}', 'sloID must be a string, not null', 'invalid_request'],
    ['a list for sloID', '{"sloID":["a"]}', 'sloID must be a string, not ["a"]', 'invalid_request'],
    [
      'a text for forceFresh',
      '{"sloID":"a","forceFresh":"true"}',
      'forceFresh must be true or false, not "true"',
      'invalid_request',
    ],
    [
      'a number for forceFresh',
      '{"sloID":"a","forceFresh":1}',
      'forceFresh must be true or false, not 1',
      'invalid_request',
    ],
    [
      'null for forceFresh',
      '{"sloID":"a","forceFresh":null}',
      'forceFresh must be true or false, not null',
      'invalid_request',
    ],
  ])('answers 400 for %s', async (_case, body, error, code) => {
    const api = anApi();
    const answer = await ask(api, body);
    expect(answer.statusCode).toBe(400);
    expect(answer.json<{ error: string }>().error).toContain(error);
    expect(answer.json()).toMatchObject({ code });
    expect(api.decisions.asked).toEqual([]);
  });

  it('ignores unknown fields and names them', async () => {
    const body =
      '{"sloID":"api-availability","__proto__":{"forceFresh":true},"constructor":{"prototype":{"a":1}},"foo":1}';
    const api = anApi();
    const answer = await ask(api, body);
    expect(answer.json<DecisionAnswer>().notes).toEqual([
      'unknown field "__proto__" ignored',
      'unknown field "constructor" ignored',
      'unknown field "foo" ignored',
    ]);
    expect(api.decisions.asked).toEqual([]);
    expect(Object.hasOwn(Object.prototype, 'a')).toBe(false);
  });

  it('names ten unknown fields at most, and none at length', async () => {
    const fields = Array.from({ length: 500 }, (_, index) => `${index}${'x'.repeat(100)}`);
    const body = { sloID: 'api-availability', ...Object.fromEntries(fields.map((field) => [field, 1])) };
    const { notes } = (await ask(anApi(), JSON.stringify(body))).json<DecisionAnswer>();
    expect(notes).toHaveLength(11);
    expect(notes.at(-1)).toBe('490 more unknown fields ignored');
    expect(Math.max(...notes.map((note) => note.length))).toBeLessThan(150);
  });

  it('takes the last of two fields of one name, as JSON.parse does', async () => {
    expect((await ask(anApi(), '{"sloID":"nope","sloID":"api-availability"}')).statusCode).toBe(200);
  });

  it('takes 64 KiB and no more', async () => {
    const api = anApi();
    const bodyOf = (bytes: number) => {
      const frame = JSON.stringify({ sloID: 'api-availability', pad: '' });
      return JSON.stringify({ sloID: 'api-availability', pad: 'x'.repeat(bytes - frame.length) });
    };
    expect((await ask(api, bodyOf(64 * 1024))).statusCode).toBe(200);
    const refused = await ask(api, bodyOf(64 * 1024 + 1));
    expect(refused.statusCode).toBe(413);
    expect(refused.json()).toMatchObject({ code: 'body_too_large' });
  });
});

import fc from 'fast-check';
import type { InjectOptions } from 'fastify';
import { describe, expect, it } from 'vitest';
import { anApi } from '../support/api.ts';

const { app } = anApi();

async function answerTo(request: InjectOptions) {
  const answer = await app.inject(request);
  expect(answer.statusCode).toBeLessThan(500);
  if (answer.statusCode >= 400) {
    expect(answer.json()).toEqual({
      error: expect.any(String) as string,
      code: expect.any(String) as string,
      requestId: answer.headers['x-request-id'],
    });
  }
  return answer;
}

const segment = fc.oneof(
  fc.constantFrom(
    'v1',
    'slo',
    'state',
    'audit',
    'evaluations',
    'gate',
    'decision',
    'docs',
    'static',
    '..',
    '%',
    '%00',
    '',
  ),
  fc.string({ unit: 'grapheme' }).map((text) => encodeURIComponent(text.replace(/\p{Surrogate}/gu, ''))),
);
const path = fc.array(segment, { maxLength: 5 }).map((segments) => `/${segments.join('/')}`);
const query = fc
  .dictionary(fc.oneof(fc.constantFrom('limit', 'startTime', 'cursor'), fc.string()), fc.string())
  .map((parameters) => new URLSearchParams(parameters).toString());

describe('any input', () => {
  it('as a URL is answered, or refused in our form', async () => {
    const method = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS' as const);
    await fc.assert(
      fc.asyncProperty(method, path, query, async (method, path, query) => {
        await answerTo({ method, url: `${path}?${query}` });
      }),
      { numRuns: 300 },
    );
  });

  it('as a body is refused in our form, unless it names an SLO', async () => {
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc.json().map((text) => Buffer.from(text)),
      fc
        .record(
          { sloID: fc.oneof(fc.constant('api-availability'), fc.jsonValue()), forceFresh: fc.jsonValue() },
          { requiredKeys: [] },
        )
        .map((value) => Buffer.from(JSON.stringify(value))),
    );
    await fc.assert(
      fc.asyncProperty(body, async (payload) => {
        const answer = await answerTo({ method: 'POST', url: '/v1/gate/decision', payload });
        if (answer.statusCode !== 200) return;
        const asked: unknown = JSON.parse(payload.toString());
        expect(asked).toMatchObject({ sloID: 'api-availability' });
      }),
      { numRuns: 300 },
    );
  });
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readAnswer } from '../../src/cli/gate-answer.ts';

const question = { kind: 'slo', sloId: 'api', fresh: false } as const;
const good = { decision: 'ALLOW', sloID: 'api', reasons: ['all burn rate checks passed'], reasonCodes: ['ok'] };

test('the answer of the server, and that of the original without codes', () => {
  expect(readAnswer(JSON.stringify(good), question)).toMatchObject({ decision: 'ALLOW', reasonCodes: ['ok'] });
  const original = { ...good, reasonCodes: undefined };
  expect(readAnswer(JSON.stringify(original), question)).toMatchObject({ decision: 'ALLOW', reasonCodes: [] });
});

test.each<[string, unknown]>([
  ['its decision is missing', { ...good, decision: undefined }],
  ['its decision is "allow"', { ...good, decision: 'allow' }],
  ['its decision is "GO"', { ...good, decision: 'GO' }],
  ['its decision is ["ALLOW"]', { ...good, decision: ['ALLOW'] }],
  ['it is about another sloID: "other"', { ...good, sloID: 'other' }],
  ['it is about another sloID: missing', { decision: 'ALLOW' }],
  ['its reasons are missing', { ...good, reasons: undefined }],
  ['its reasonCodes are "ok"', { ...good, reasonCodes: 'ok' }],
  ['its reasonCodes are ["ok",1]', { ...good, reasonCodes: ['ok', 1] }],
  ['it is not a JSON object', [good]],
  ['it is not a JSON object', null],
])('%s', (why, body) => {
  expect(readAnswer(JSON.stringify(body), question)).toBe(why);
});

test('whatever is sent is an answer with a known decision about what was asked, or none', () => {
  const mutated = fc
    .record(
      {
        decision: fc.oneof(fc.constantFrom('ALLOW', 'WARN', 'BLOCK'), fc.jsonValue()),
        sloID: fc.oneof(fc.constant('api'), fc.jsonValue()),
        reasons: fc.oneof(fc.array(fc.string()), fc.jsonValue()),
        reasonCodes: fc.oneof(fc.array(fc.string()), fc.jsonValue()),
        notes: fc.jsonValue(),
        sli: fc.jsonValue(),
        decisions: fc.jsonValue(),
      },
      { requiredKeys: [] },
    )
    .map((body) => JSON.stringify(body));
  fc.assert(
    fc.property(fc.oneof(mutated, fc.json(), fc.string()), (text) => {
      const answer = readAnswer(text, question);
      if (typeof answer === 'string') return;
      expect(['ALLOW', 'WARN', 'BLOCK']).toContain(answer.decision);
      expect(JSON.parse(text)).toMatchObject({ decision: answer.decision, sloID: 'api' });
    }),
  );
});

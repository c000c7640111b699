import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeAnswer } from '../../../src/adapter/prometheus/decode.ts';
import { partLabel, type Inquiry } from '../../../src/adapter/prometheus/union.ts';

const at = Date.UTC(2026, 10, 20, 12);
const part = (tag: string) => ({ tag, role: 'good', promql: 'up', type: 'vector' }) as const;
const plain: Inquiry = { promql: 'up', tagged: false, parts: [part('good:5m')], groups: ['5m'] };
const union: Inquiry = { promql: 'up', tagged: true, parts: [part('good:5m'), part('total:5m')], groups: ['5m'] };

const answer = (result: unknown, rest: object = {}, resultType = 'vector') =>
  JSON.stringify({ status: 'success', data: { resultType, result }, ...rest });
const sample = (value: unknown, metric: object = {}) => ({ metric, value: [at / 1000, value] });
const tagged = (tag: string, value: unknown, metric: object = {}) => sample(value, { ...metric, [partLabel]: tag });
const decode = (body: string, inquiry = plain) => decodeAnswer(body, inquiry, at);
const partOf = (body: string) => {
  const decoded = decode(body);
  return decoded.kind === 'answer' ? decoded.parts.get('good:5m') : decoded;
};

describe('decodeAnswer', () => {
  it.each([
    ['1', 1],
    ['-2.5', -2.5],
    ['+3', 3],
    ['1e-7', 1e-7],
    ['6.02E+23', 6.02e23],
    ['NaN', NaN],
    ['+Inf', Infinity],
    ['Inf', Infinity],
    ['-Inf', -Infinity],
  ])('reads %s', (text, value) => {
    expect(partOf(answer([sample(text)]))).toEqual({ kind: 'values', values: [value] });
  });

  it.each([1, null, true, '', ' ', '100abc', '0x10', '1_000', '1,5', 'nan', 'Infinity', '--1', '.', 'e5', ['1'], {}])(
    'does not take %j for a number',
    (value) => {
      expect(partOf(answer([sample(value)]))).toMatchObject({ kind: 'malformed' });
    },
  );

  it('never makes a number of what is none, whatever the answer', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const decoded = partOf(answer([sample(value)]));
        const isNumberText = typeof value === 'string' && (/^[+-]?[\d.]/.test(value) || ['NaN', 'Inf'].includes(value));
        if (!isNumberText) expect(decoded?.kind).toBe('malformed');
      }),
    );
  });

  it('never throws, whatever the body', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
        expect(['answer', 'error', 'malformed']).toContain(decode(body).kind);
      }),
    );
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (data, warnings) => {
        decode(JSON.stringify({ status: 'success', data, warnings }), union);
        decode(answer(data, { warnings, infos: warnings }), union);
      }),
    );
  });

  it('reads a scalar of a part that stands by itself, and of no other', () => {
    const scalar = answer([at / 1000, '7'], {}, 'scalar');
    expect(partOf(scalar)).toEqual({ kind: 'values', values: [7] });
    expect(decode(scalar, union).kind).toBe('malformed');
    expect(decode(answer([at / 1000, 'text'], {}, 'string')).kind).toBe('malformed');
  });

  it('tells the parts of a union apart; one that is malformed leaves the others', () => {
    const decoded = decode(
      answer([tagged('good:5m', '1', { pod: 'a' }), tagged('good:5m', '2', { pod: 'b' }), tagged('total:5m', 3)]),
      union,
    );
    expect(decoded).toMatchObject({ kind: 'answer' });
    if (decoded.kind !== 'answer') return;
    expect(decoded.parts.get('good:5m')).toEqual({ kind: 'values', values: [1, 2] });
    expect(decoded.parts.get('total:5m')).toMatchObject({ kind: 'malformed' });
  });

  it('refuses a union with a series that was not asked for', () => {
    expect(decode(answer([tagged('good:1h', '1')]), union).kind).toBe('malformed');
    expect(decode(answer([sample('1')]), union).kind).toBe('malformed');
  });

  it('refuses a series that comes twice, in whatever order its labels stand', () => {
    const twice = [sample('1', { a: '1', b: '2' }), sample('1', { b: '2', a: '1' })];
    expect(partOf(answer(twice))).toEqual({ kind: 'malformed', detail: 'a series comes twice' });
  });

  it('refuses an answer of another minute, such as a proxy keeps', () => {
    const old = { metric: {}, value: [at / 1000 - 61, '1'] };
    expect(partOf(answer([old]))).toMatchObject({ kind: 'malformed' });
    expect(partOf(answer([{ metric: {}, value: [at / 1000 - 30, '1'] }]))).toMatchObject({ kind: 'values' });
  });

  it('passes on what the source says beside its numbers, and what nobody understands', () => {
    expect(decode(answer([], { warnings: ['a', 'PromQL info: b', 'PromQL warning: c'], infos: ['d'] }))).toMatchObject({
      warnings: ['a', 'PromQL warning: c'],
      infos: ['PromQL info: b', 'd'],
    });
    expect(decode(answer([], { isPartial: true }))).toMatchObject({ warnings: ['isPartial is set'] });
    expect(decode(answer([], { isPartial: false, warnings: null }))).toMatchObject({ warnings: [], infos: [] });
    expect(decode(answer([], { warnings: { store: 'gone' } }))).toMatchObject({ warnings: ['{"store":"gone"}'] });
    const many = decode(answer([], { warnings: Array(1_000).fill('x'.repeat(10_000)) }));
    expect(many.kind === 'answer' && JSON.stringify(many.warnings).length).toBeLessThan(10_000);
  });

  it('gives the words of an error on one line', () => {
    const error = { status: 'error', errorType: 'bad_data', error: 'parse error:\n unexpected \u001b[31m end' };
    expect(decode(JSON.stringify(error))).toEqual({
      kind: 'error',
      errorType: 'bad_data',
      message: 'parse error: unexpected [31m end',
    });
  });
});

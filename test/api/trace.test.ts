import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTraceparent, traceOf } from '../../src/api/trace.ts';
import { traceHeaders } from '../../src/eval/trace.ts';

const id = '4bf92f3577b34da6a3ce929d0e0e4736';
const parent = '00f067aa0ba902b7';
const valid = `00-${id}-${parent}-01`;

const hex = (digits: number) =>
  fc
    .array(
      fc.nat({ max: 15 }).map((digit) => digit.toString(16)),
      { minLength: digits, maxLength: digits },
    )
    .map((all) => all.join(''));
const someId = (digits: number) => hex(digits).filter((text) => !/^0+$/.test(text));

describe('a traceparent', () => {
  it('that is valid is taken, whatever its ids and flags', () => {
    fc.assert(
      fc.property(someId(32), someId(16), hex(2), (traceId, parentId, flags) => {
        const isSampled = Number.parseInt(flags, 16) % 2 === 1;
        expect(parseTraceparent(`00-${traceId}-${parentId}-${flags}`)).toEqual({ traceId, isSampled });
      }),
    );
  });

  it.each([
    ['a later version', `01-${id}-${parent}-00`, false],
    ['a later version that says more', `cc-${id}-${parent}-03-what-the-future-will-be-like`, true],
    ['flags that nobody knows', `00-${id}-${parent}-ff`, true],
  ])('of %s is taken', (_, text, isSampled) => {
    expect(parseTraceparent(text)).toEqual({ traceId: id, isSampled });
  });

  it.each([
    ['nothing', ''],
    ['the version ff', `ff-${id}-${parent}-01`],
    ['a version of one digit', `0-${id}-${parent}-01`],
    ['no trace', `00-${'0'.repeat(32)}-${parent}-01`],
    ['no parent', `00-${id}-${'0'.repeat(16)}-01`],
    ['capitals', `00-${id.toUpperCase()}-${parent}-01`],
    ['more than its version has', `${valid}-more`],
    ['more than its version has, by a dash', `${valid}-`],
    ['something else behind a later version', `01-${id}-${parent}-00.`],
    ['a short trace', `00-${id.slice(1)}-${parent}-01`],
    ['a long parent', `00-${id}-${parent}0-01`],
    ['no flags', `00-${id}-${parent}`],
    ['two of them', `${valid}, ${valid}`],
    ['a line break', `${valid}\n`],
    ['spaces', ` ${valid}`],
  ])('of %s is not', (_, text) => {
    expect(parseTraceparent(text)).toBeUndefined();
  });

  it('with any other character is taken for none, and never throws', () => {
    fc.assert(
      fc.property(fc.nat({ max: valid.length - 1 }), fc.string({ minLength: 1, maxLength: 1 }), (at, character) => {
        fc.pre(!/[0-9a-f-]/.test(character));
        expect(parseTraceparent(valid.slice(0, at) + character + valid.slice(at + 1))).toBeUndefined();
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => void parseTraceparent(text)));
  });
});

describe('the trace of a request', () => {
  it("is the caller's, with a span of our own", () => {
    const trace = traceOf({ traceparent: valid, tracestate: 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE' });
    expect(trace).toMatchObject({ traceId: id, isSampled: true, state: 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE' });
    expect(traceHeaders(trace)).toEqual({
      traceparent: `00-${id}-${trace.spanId}-01`,
      tracestate: 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE',
    });
    expect(trace.spanId).not.toBe(parent);
  });

  it('begins here where the caller names none, and its state counts for nothing then', () => {
    const traces = Array.from({ length: 1000 }, () =>
      traceOf({ traceparent: `ff${valid.slice(2)}`, tracestate: 'a=b' }),
    );
    expect(new Set(traces.map(({ traceId }) => traceId)).size).toBe(1000);
    expect(new Set(traces.map(({ spanId }) => spanId)).size).toBe(1000);
    for (const trace of traces) {
      expect(trace).toEqual({ traceId: trace.traceId, spanId: trace.spanId, isSampled: false });
      expect(parseTraceparent(traceHeaders(trace).traceparent ?? '')).toEqual({
        traceId: trace.traceId,
        isSampled: false,
      });
    }
  });

  it.each([
    ['too long', 'x'.repeat(513)],
    ['what no header may hold', 'a=\u00e9'],
    ['nothing', ''],
  ])('goes on without a tracestate of %s', (_, tracestate) => {
    expect(traceOf({ traceparent: valid, tracestate })).not.toHaveProperty('state');
  });
});

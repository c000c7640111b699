import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { analyze } from '../../src/promql/analyze.ts';
import { withStandInWindow } from '../../src/promql/window-placeholder.ts';

function selectorTexts(query: string): string[] {
  const analysis = analyze(query);
  if (!analysis.ok) throw new Error(`${query}: ${analysis.message}`);
  return analysis.selectors.map(({ text }) => text);
}

describe('static type', () => {
  it.each([
    ['sum(rate(requests_total{status!~"5.."}[5m]))', 'vector'],
    ['requests_total', 'vector'],
    ['vector(1)', 'vector'],
    ['scalar(requests_total)', 'scalar'],
    ['time()', 'scalar'],
    ['pi() * 2', 'scalar'],
    ['1 == bool 2', 'scalar'],
    ['-(1 + 2)', 'scalar'],
    ['1 - a / b', 'vector'],
    ['a @ end()', 'vector'],
    ['a offset 5m', 'vector'],
    ['sum by (x) (a) / on (x) group_left b', 'vector'],
    ['hour()', 'vector'],
    ['a[5m]', 'matrix'],
    ['a[5m] offset 1h', 'matrix'],
    ['rate(a[5m])[1h:1m]', 'matrix'],
    ['(a[1h:])', 'matrix'],
    ['"text"', 'string'],
    ['1h', 'scalar'],
  ])('%s is a %s', (query, type) => {
    expect(analyze(query)).toMatchObject({ ok: true, type });
  });
});

describe('selectors', () => {
  it('are given without range, offset and @, evenly spaced, comments left out', () => {
    const query = `sum(rate(a{ x = "1", # the first
       y!~'2' ,}[5m] offset 1h)) - sum(b @ 123)`;
    expect(selectorTexts(query)).toEqual([`a{x="1",y!~'2'}`, 'b']);
  });

  it('name their metric, wherever it is written', () => {
    const analysis = analyze('a / {__name__="b",x="1"} / {"c.d"} / {__name__=~"e"} / {f="g"}');
    expect(analysis.ok && analysis.selectors.map(({ metricName }) => metricName)).toEqual([
      'a',
      'b',
      'c.d',
      undefined,
      undefined,
    ]);
  });

  it('know their range and their place', () => {
    expect(analyze('rate(a[1d12h]) + rate(b[300]) + c + rate(d[5m + 5m])')).toMatchObject({
      selectors: [
        { offset: 5, rangeMs: 129_600_000 },
        { offset: 22, rangeMs: 300_000 },
        { offset: 32 },
        { offset: 41 },
      ],
    });
  });

  it('know which braces belong to a string', () => {
    expect(selectorTexts('a{path="/x{id}[5m]"}')).toEqual(['a{path="/x{id}[5m]"}']);
  });

  it('of recorded series keep the window in their name', () => {
    expect(selectorTexts('job:errors:rate5m / job:requests:rate5m')).toEqual([
      'job:errors:rate5m',
      'job:requests:rate5m',
    ]);
  });
});

describe('faults', () => {
  it.each([
    ['', 0, 'the query is empty'],
    ['# nothing', 9, 'the query is empty'],
    ['sum(rate(a[5m])', 15, 'unexpected end of the query: a closing ) is missing'],
    ['rate(a[5m)', 9, 'unexpected ): a closing ] is missing'],
    ['sum(a))', 6, 'unexpected )'],
    ['a b', 2, 'unexpected b'],
    ['a{b="c}', 4, 'the string is not closed: " is missing at its end'],
    ['a{b=~"\\d+"}', 6, 'unknown escape sequence \\d in a string: write \\\\d'],
    ['foo(bar)', 3, 'unknown function foo'],
    ['rate(a[{{.window}}])', 7, 'unknown placeholder: the window is written {{window}}'],
    ['rate(a)', 5, 'rate() takes a range vector, and this is an instant vector: add a range, [{{window}}]'],
    ['rate(sum(a))', 5, 'rate() takes a range vector, and this is an instant vector'],
    ['abs(1)', 4, 'abs() takes an instant vector, and this is a scalar'],
    ['round(a, 5, 5)', 0, 'round() has 3 arguments, and takes at most 2'],
    ['topk(a)', 0, 'topk() has 1 arguments, and takes a scalar and an instant vector'],
    ['sum(a)[5m]', 6, 'a range like [5m] stands after a selector only; over an expression it is a subquery, [5m:1m]'],
    ['1 == 2', 1, 'a comparison of two scalars is written with bool: == bool'],
    ['a or 0', 1, 'the operator or takes instant vectors, not scalars'],
    ['a + b[5m]', 4, 'the operator + takes scalars and instant vectors, and this is a range vector'],
    ['{job=~".*"}', 0, 'the selector needs a metric name, or a label matcher that does not match the empty string'],
    ['a{__name__="b"}', 0, 'the metric name is given twice, before the braces and as __name__'],
  ])('%s', (query, offset, message) => {
    expect(analyze(query)).toEqual({ ok: false, offset, message });
  });

  it('never throws, and places every fault within the text', () => {
    const piece = fc.constantFrom(
      ...['sum', 'rate', '(', ')', '[', ']', '{', '}', '5m', '1', '"', "'", '`', 'a', '=', '=~', '\\', '#', '\n', ' '],
      ...['-', '/', ' or ', ' offset ', '@', ':', ',', '{{window}}', ' by ', 'bool', 'start()', '\u{1F600}', '\0'],
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(piece, { maxLength: 40 }).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(text, (query) => {
        const analysis = analyze(withStandInWindow(query));
        if (analysis.ok) return;
        expect(analysis.offset).toBeGreaterThanOrEqual(0);
        expect(analysis.offset).toBeLessThanOrEqual(query.length);
      }),
      { numRuns: 2000 },
    );
  });

  it.each(['(', '-', 'a+', 'sum(', 'a[5m:'])(
    'of a query that is nested without end (%s) are a fault, not a crash',
    (piece) => {
      expect(analyze(piece.repeat(10_000 / piece.length))).toMatchObject({ ok: false });
      expect(analyze(`${'('.repeat(4000)}a${')'.repeat(4000)}`)).toMatchObject({ ok: false });
    },
  );
});

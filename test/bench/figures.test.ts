import { describe, expect, it } from 'vitest';
import { withTables } from '../../bench/harness/document.ts';
import type { Machine } from '../../bench/harness/machine.ts';
import { isReached, ratioOf, type Result } from '../../bench/harness/result.ts';
import { inRounds } from '../../bench/harness/rounds.ts';
import { figureOf, median, quantile } from '../../bench/harness/statistics.ts';
import { cellsOf, short, textTable } from '../../bench/harness/table.ts';

describe('figures', () => {
  it('are the median, the least and the greatest of the rounds, in whatever order they came', () => {
    expect(figureOf([9, 1, 10])).toEqual({ median: 9, least: 1, greatest: 10, rounds: 3 });
    expect(median([10, 2, 1, 4])).toBe(3);
    expect(() => figureOf([])).toThrow('no round');
  });

  it('a quantile is a value that was seen, which this share does not exceed', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect([0, 0.5, 0.99, 1].map((share) => quantile(hundred, share))).toEqual([1, 50, 99, 100]);
    expect(quantile([7], 0.99)).toBe(7);
  });

  it('are shown with three digits that count', () => {
    expect([12_345.6, 100, 99.96, 1.2345, 0.00123456, 0].map(short)).toEqual([
      '12,346',
      '100',
      '100',
      '1.23',
      '0.00123',
      '0',
    ]);
  });
});

it('each subject is measured once a round, not always in the same order', async () => {
  const order: string[] = [];
  const subject = (name: string) => () => Promise.resolve(order.push(name));
  const numbers = [0.1, 0.2, 0.9, 0.3];
  const random = () => numbers.shift() ?? 0;
  const measured = await inRounds(2, { a: subject('a'), b: subject('b') }, random);
  expect(order).toEqual(['a', 'b', 'b', 'a']);
  expect(measured).toEqual({ a: [1, 4], b: [2, 3] });
});

const figure = (value: number) => figureOf([value]);
const result = (value: number, target: Result['target'], reference?: number): Result => ({
  ...{ what: 'decisions', unit: 'a second', value: figure(value) },
  ...(reference !== undefined && { reference: { name: 'bare Fastify', value: figure(reference) } }),
  ...(target !== undefined && { target }),
});

describe('a target', () => {
  it('is reached on its own bound, and judges the value or how often it is the reference', () => {
    const atLeast = { of: 'value', bound: 'at least', limit: 10 } as const;
    const atMost = { of: 'ratio', bound: 'at most', limit: 1.5 } as const;
    expect([9.9, 10, 11].map((value) => isReached(result(value, atLeast)))).toEqual([false, true, true]);
    expect([29, 30, 31].map((value) => isReached(result(value, atMost, 20)))).toEqual([true, true, false]);
    expect(isReached(result(1, undefined))).toBeNull();
    expect(ratioOf(result(30, atMost, 20))).toBe(1.5);
    expect(() => isReached(result(30, atMost))).toThrow('needs a reference');
  });

  it('stands in the table beside what was reached', () => {
    const rows = cellsOf([result(2_000, { of: 'ratio', bound: 'at least', limit: 1 }, 4_000)]);
    expect(rows[1]).toEqual([
      'decisions',
      '2,000 a second',
      'one round',
      'bare Fastify: 4,000 (one round)',
      '0.5',
      '≥ 1',
      'not reached',
    ]);
    const lines = textTable([result(2_000, undefined)]).split('\n');
    expect(lines[0]?.indexOf('median')).toBe(lines[1]?.indexOf('2,000'));
    const judged = result(2_000, { of: 'value', bound: 'at least', limit: 1 });
    expect(textTable([judged])).toContain('reached');
    expect(textTable([judged], false)).not.toContain('reach');
  });
});

describe('the document', () => {
  const machine: Machine = {
    ...{ date: '2026-11-22T01:00:00.000Z', commit: 'abc', cpu: 'a processor', cores: 2, memoryGiB: 24 },
    ...{ linux: '6', node: 'v20.20.2', prometheus: '2.42', load: 0.1 },
  };
  const document = '# Title\n\n<!-- a -->\n\nold\n\n<!-- /a -->\n\nText.\n\n<!-- b -->\n\nolder\n\n<!-- /b -->\n';

  it('gets the tables that were measured, and keeps the rest', async () => {
    const written = await withTables(document, machine, [{ part: 'a', results: [result(5, undefined)] }]);
    expect(written).toContain('2026-11-22, commit abc; a processor, 2 cores, 24 GiB; Linux 6, Node 20.20.2');
    expect(written).toMatch(/\| decisions \| 5 a second \|/);
    expect(written).not.toContain('old\n');
    expect(written).toMatch(/\n\nText\.\n\n<!-- b -->\n\nolder\n\n<!-- \/b -->\n$/);
    const again = await withTables(written, machine, [{ part: 'a', results: [result(5, undefined)] }]);
    expect(again).toBe(written);
  });

  it('without a place for a part is refused', async () => {
    await expect(withTables(document, machine, [{ part: 'c', results: [] }])).rejects.toThrow('<!-- c -->');
  });
});

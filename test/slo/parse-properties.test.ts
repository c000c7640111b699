import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSloFile } from '../../src/slo/parse.ts';

const valid = readFileSync(new URL('../../fixtures/slo/valid/several.yaml', import.meta.url), 'utf8');

const token = fc.constantFrom(
  ...[
    '\n',
    '  ',
    '\t',
    ': ',
    '- ',
    '---\n',
    '...\n',
    '[',
    ']',
    '{',
    '}',
    ',',
    '"',
    "'",
    '|\n',
    '>\n',
    '#',
    '!tag ',
    '%YAML 1.1\n',
  ],
  ...[
    '&a ',
    '*a',
    '<<: *a',
    '? ',
    '!!binary ',
    '!!set ',
    '{{window}}',
    '\r\n',
    '\0',
    '\ufeff',
    '\u{1F600}',
    '~',
    '.inf',
    '0x1F',
    '1e999',
  ],
  ...['metadata', 'id', 'spec', 'null', '__proto__', 'constructor', 'toString', '99999999999999999999', '-0', 'true'],
);

/** A valid file with some of its text taken out, put elsewhere, or replaced by what YAML gives meaning to. */
const mutated = fc
  .array(fc.record({ at: fc.nat(valid.length), length: fc.nat(40), by: fc.oneof(token, fc.string()) }), {
    maxLength: 6,
  })
  .map((edits) => edits.reduce((text, { at, length, by }) => text.slice(0, at) + by + text.slice(at + length), valid));

const texts = fc.oneof(
  mutated,
  fc.array(token, { maxLength: 60 }).map((all) => all.join('')),
  fc.string({ unit: 'binary' }),
  fc.json(),
);

describe('any text', () => {
  it('is read or refused with places in the text, never with an exception', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const { slos, problems, file } = parseSloFile(text, 'x.yaml');
        const lines = text.split('\n');
        expect(file).toBe('x.yaml');
        for (const { line, column, lineText, message } of problems) {
          expect(message).not.toBe('');
          expect(line).toBeGreaterThan(0);
          expect(line).toBeLessThanOrEqual(lines.length);
          expect(column).toBeGreaterThan(0);
          expect(lines[(line ?? 0) - 1]?.startsWith(lineText ?? '')).toBe(true);
        }
        if (slos.length === 0) expect(problems.length).toBeGreaterThan(0);
        for (const { slo } of slos) {
          expect(slo.objective > 0 && slo.objective < 1 && slo.errorBudget > 0).toBe(true);
          expect(slo.rules.every((rule) => rule.shortWindow.lengthMs < rule.longWindow.lengthMs)).toBe(true);
        }
      }),
      { numRuns: 1500 },
    );
  });

  it.each([
    ['brackets', '['.repeat(20_000)],
    ['maps', '{a: '.repeat(20_000)],
    ['lists', '- '.repeat(20_000)],
    ['keys', '? '.repeat(20_000)],
    ['unexpected brackets', '] '.repeat(20_000)],
    ['keys of one map', Array.from({ length: 20_000 }, (_, index) => `key${index}: 1`).join('\n')],
    ['one key', 'key: 1\n'.repeat(20_000)],
    ['empty documents', '---\n'.repeat(20_000)],
    ['anchors', '&a '.repeat(20_000)],
    ['an alias of itself', 'metadata: &a { id: *a, labels: *a }\nspec: *a'],
    ['brackets in a query', valid.replace('sum(', '('.repeat(9000))],
  ])('of a great many %s is refused, and the process lives', (_, text) => {
    expect(parseSloFile(text, 'x.yaml').problems.length).toBeGreaterThan(0);
  });
});

import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isScalar } from 'yaml';
import { parseSloFile } from '../../src/slo/parse.ts';
import { readPlainYaml } from '../../src/slo/plain-yaml.ts';
import { readYaml } from '../../src/slo/yaml-text.ts';
import { root } from '../support/running.ts';

/** What the library makes of a text; undefined where it has anything to say of it. */
function byLibrary(text: string) {
  const yaml = readYaml(text);
  const [document, ...others] = yaml.ok ? yaml.documents : [];
  if (document === undefined || others.length > 0) return undefined;
  if (document.errors.length > 0 || document.warnings.length > 0) return undefined;
  const id = document.getIn(['metadata', 'id'], true);
  return { value: document.toJS() as unknown, idOffset: isScalar(id) ? id.range?.[0] : undefined };
}

const sloFiles = ['slos', 'fixtures', 'examples', 'test/slos']
  .flatMap((directory) =>
    readdirSync(join(root, directory), { recursive: true, encoding: 'utf8' }).map((name) => join(directory, name)),
  )
  .filter((name) => /\.ya?ml$/.test(name))
  .map((name) => ({ name, text: readFileSync(join(root, name), 'utf8') }));

const usual = `---
# Requests that do not fail.
apiVersion: aegis.slo/v1
metadata:
  id: checkout # as in the catalogue
  service: 'check: out'
  labels: # two
    a.b/c-d: "x # y"
    e: 10m
spec:

  objective: 0.995
  threshold: 14.0
  sli:
    good:
      prometheusQuery: |
        sum(rate(http_requests_total{code!~"5.."}[{{window}}])) # all
          - 1
    total:
      prometheusQuery: sum(rate(http_requests_total{a="b",c=~"d|e"}[{{window}}]))
    other: |-
      one
      # two
  rules:
    - name: fast
      shortWindow: 5m

    -   name: slow
        list:
        - key: 1
  same:
  - name: x
`;

describe('plain YAML', () => {
  it('is what SLO files are written in', () => {
    const read = sloFiles.filter(({ name }) => name.startsWith('slos')).filter(({ text }) => readPlainYaml(text));
    expect(read.length).toBeGreaterThan(0);
    expect(readPlainYaml(usual.replace('"x # y"', '"x y"'))).toBeDefined();
  });

  it.each(sloFiles)('$name is read as the library reads it, or left to it', ({ text }) => {
    const read = readPlainYaml(text);
    if (read !== undefined) expect(read).toStrictEqual(byLibrary(text));
  });

  it.each([
    ['a literal block with an empty line', 'q: |\n  a\n\n  b\n'],
    ['a literal block after an empty line', 'q: |\n\n  a\n'],
    ['a literal block that the text ends in', 'q: |\n  a'],
    ['a key that comes twice', 'a: 1\na: 2\n'],
    ['a value that goes on', 'a: b\n  c\n'],
    ['a key without a value', 'a:\nb: 1\n'],
    ['a word that is none', 'a: true\n'],
    ['a number in another form', 'a: 0o17\nb: 1e3\nc: 012\n'],
    ['a comment in quotes', 'a: "b # c"\n'],
    ['a map in a value', 'a: b: c\n'],
    ['an anchor and an alias', 'a: &x 1\nb: *x\n'],
    ['a tab', 'a:\tb\n'],
    ['two documents', 'a: 1\n---\nb: 1\n'],
    ['an indentation that is none of before', 'a:\n    b: 1\n  c: 1\n'],
  ])('leaves to the library %s', (_, text) => {
    expect(readPlainYaml(`metadata:\n  id: x\n${text}`)).toBeUndefined();
  });

  it('is read as the library reads it, or left to it, whatever is changed in it', () => {
    const texts = [usual.replace('"x # y"', '"x y"'), ...sloFiles.map(({ text }) => text)].filter(
      (text) => text.length < 4_000,
    );
    const changed = fc
      .tuple(fc.constantFrom(...texts), fc.array(edit, { minLength: 1, maxLength: 4 }))
      .map(([text, edits]) => edits.reduce((before, change) => change(before), text));
    let read = 0;
    fc.assert(
      fc.property(changed, (text) => {
        const plain = readPlainYaml(text);
        if (plain === undefined) return;
        read += 1;
        expect(plain).toStrictEqual(byLibrary(text));
      }),
      { numRuns: 3_000 },
    );
    expect(read).toBeGreaterThan(300);
  });

  it('leaves to the library what has to be told with its place', () => {
    const [problem] = parseSloFile(usual, 'slo.yaml').problems;
    expect(problem).toMatchObject({ file: 'slo.yaml', severity: 'error' });
    expect(problem?.line).toBeGreaterThan(0);
  });
});

type Edit = (text: string) => string;

const pieces = fc.constantFrom(
  ...[
    ' ',
    '  ',
    '    ',
    '\n',
    '\n\n',
    ' \n',
    '\t',
    '\r',
    '#',
    ' #',
    '# ',
    ':',
    ': ',
    ':\n',
    '- ',
    '-',
    '|',
    '|-',
    '|+',
  ],
  ...[
    '>',
    '>-',
    '|2',
    "'",
    '"',
    "''",
    '\\',
    '&a ',
    '*a',
    '!t ',
    '{',
    '}',
    '[',
    ']',
    ',',
    '?',
    '? ',
    '@',
    '`',
    '%',
    '~',
  ],
  ...[
    'null',
    'true',
    'yes',
    'NaN',
    '.inf',
    '-1',
    '+1',
    '007',
    '0x1f',
    '1e3',
    '1.',
    '.5',
    '1_000',
    '2024-01-01',
    '12:30',
  ],
  ...['5m', '0', '00', '9007199254740993', 'é', '\u2028', '---', '...', '---\n', '<<: ', '__proto__: ', 'id: ', 'a: b'],
  ...['metadata:\n  id: other\n', 'a', 'Z', '/', '=', '.'],
);
const place = fc.double({ min: 0, max: 1, noNaN: true });

function lineEdit(change: (lines: string[], at: number) => void): fc.Arbitrary<Edit> {
  return place.map((at) => (text) => {
    const lines = text.split('\n');
    change(lines, Math.floor(at * lines.length));
    return lines.join('\n');
  });
}

const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.tuple(place, pieces, fc.nat(3)).map(([at, piece, length]): Edit => (text) => {
    const from = Math.floor(at * text.length);
    return text.slice(0, from) + piece + text.slice(from + length);
  }),
  // A value of a key.
  fc.tuple(place, pieces).map(([at, piece]): Edit => (text) => {
    const values = [...text.matchAll(/: (.*)/g)];
    const found = values[Math.floor(at * values.length)];
    return found === undefined
      ? text
      : text.slice(0, found.index + 2) + piece + text.slice(found.index + found[0].length);
  }),
  lineEdit((lines, at) => lines.splice(at, 1)),
  lineEdit((lines, at) => lines.splice(at, 0, lines[at] ?? '')),
  lineEdit((lines, at) => lines.splice(at, 0, '')),
  lineEdit((lines, at) => lines.splice(at, 1, `  ${lines[at] ?? ''}`)),
  lineEdit((lines, at) => lines.splice(at, 1, ` ${lines[at] ?? ''}`)),
  lineEdit((lines, at) => lines.splice(at, 1, (lines[at] ?? '').slice(1))),
  lineEdit((lines, at) => lines.splice(at, 1, (lines[at] ?? '').slice(2))),
  lineEdit((lines, at) => lines.splice(at, lines.length)),
  fc.constant<Edit>((text) => text.trimEnd()),
);

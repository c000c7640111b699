import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { painter } from '../../src/cli/terminal.ts';
import { jsonReport, textReport } from '../../src/cli/validate-report.ts';
import type { Problem } from '../../src/slo/problem.ts';

const plain = painter(false);
const objective: Problem = {
  severity: 'error',
  file: 'slos/a.yaml',
  line: 9,
  column: 14,
  path: 'spec.objective',
  message: '99.5 is not allowed: a number between 0 and 1',
  lineText: '  objective: 99.5',
};

describe('for people', () => {
  test('the place, the message, the line itself and a caret; then the numbers', () => {
    const warning: Problem = {
      severity: 'warning',
      file: 'slos/0.yaml',
      path: '',
      message: 'the file holds no document',
    };
    expect(textReport({ files: 3, validSlos: 1, problems: [objective, warning] }, plain)).toBe(
      [
        'slos/0.yaml: warning: the file holds no document',
        'slos/a.yaml:9:14: error: spec.objective: 99.5 is not allowed: a number between 0 and 1',
        '    9 |   objective: 99.5',
        '      |              ^',
        '3 files, 1 SLO valid, 1 error, 1 warning',
        '',
      ].join('\n'),
    );
  });

  test('problems stand in the order of files and places, errors first', () => {
    const at = (file: string, line: number, column: number, severity: Problem['severity'] = 'error'): Problem => ({
      ...objective,
      file,
      line,
      column,
      severity,
      lineText: '',
    });
    const problems = [at('b', 1, 1), at('a', 10, 1), at('a', 9, 2, 'warning'), at('a', 9, 2), at('a', 9, 1)];
    const text = textReport({ files: 2, validSlos: 0, problems }, plain);
    expect(text.match(/^[ab]:\d+:\d+: \w+/gm)).toEqual([
      'a:9:1: error',
      'a:9:2: error',
      'a:9:2: warning',
      'a:10:1: error',
      'b:1:1: error',
    ]);
  });

  test('tabs stay tabs under a tab, and a long line is cut around its problem', () => {
    const tab = textReport(
      { files: 1, validSlos: 0, problems: [{ ...objective, column: 3, lineText: '\ta: 1' }] },
      plain,
    );
    expect(tab).toContain('    9 | \ta: 1\n      | \t ^\n');
    const long = `${'x'.repeat(500)}HERE${'y'.repeat(500)}`;
    const cut = textReport(
      { files: 1, validSlos: 0, problems: [{ ...objective, column: 501, lineText: long }] },
      plain,
    );
    const [, line = '', caret = ''] = cut.split('\n');
    expect(line.length).toBeLessThan(170);
    expect(line.slice(caret.indexOf('^'))).toMatch(/^HEREy+…$/);
  });

  test('colours are those of a compiler', () => {
    const text = textReport({ files: 1, validSlos: 0, problems: [objective] }, painter(true));
    expect(text).toContain('\u001b[31merror:\u001b[0m');
    expect(text).toContain('\u001b[31m^\u001b[0m');
  });

  test('whatever stands in a file, the report has one caret a problem, under its column, and nothing moves the cursor', () => {
    const text = fc.string({ unit: 'binary', maxLength: 200 });
    fc.assert(
      fc.property(text, text, fc.nat(250), (lineText, message, offset) => {
        const problem = { ...objective, message, lineText, column: offset + 1 };
        const report = textReport({ files: 1, validSlos: 0, problems: [problem] }, plain);
        expect(report.split('\n')).toHaveLength(5);
        expect(report).not.toMatch(/[^\P{Cc}\n\t]/u);
      }),
    );
  });
});

test('for programs: the numbers and every problem', () => {
  const report: unknown = JSON.parse(jsonReport({ files: 1, validSlos: 0, problems: [objective] }, false));
  expect(report).toEqual({ valid: false, files: 1, validSlos: 0, errors: 1, warnings: 0, problems: [objective] });
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonLines } from '../../src/cli/audit-report.ts';
import { jsonText } from '../../src/cli/json-text.ts';

test('no control character of a caller reaches a terminal as JSON', () => {
  const [line = ''] = jsonLines([
    { id: '1', timestamp: '2026-01-01T00:00:00Z', evaluationID: 'a\u009b2Jb\u007f\u001b[2J' },
  ]);
  expect(line).toContain(String.raw`a\u009b2Jb\u007f\u001b[2J`);
});

test('it is the JSON of the value', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const written = jsonText({ [text]: [text] }, 2);
      expect(JSON.parse(written)).toEqual({ [text]: [text] });
      expect(written.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    }),
  );
});

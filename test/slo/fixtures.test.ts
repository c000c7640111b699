import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseSloFile } from '../../src/slo/parse.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

function filesOf(directory: string): { name: string; text: string }[] {
  return readdirSync(`${root}${directory}`, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => ({ name, text: readFileSync(`${root}${directory}/${name}`, 'utf8') }));
}

describe('fixtures/slo/valid', () => {
  it.each(filesOf('fixtures/slo/valid'))('$name loads, without so much as a warning', ({ name, text }) => {
    const { slos, problems } = parseSloFile(text, name);
    expect(problems).toEqual([]);
    expect(slos.length).toBeGreaterThan(0);
  });
});

describe('slos', () => {
  it.each(filesOf('slos'))('$name loads, without so much as a warning', ({ name, text }) => {
    const { slos, problems } = parseSloFile(text, name);
    expect(problems).toEqual([]);
    expect(slos.map(({ slo }) => `${slo.id}.yaml`)).toEqual([name]);
  });
});

describe('fixtures/slo/invalid', () => {
  it.each(filesOf('fixtures/slo/invalid'))('$name is refused as its first line says', ({ name, text }) => {
    const expected = /^# expect: (.*)\n/.exec(text)?.[1] ?? 'a first line "# expect: …"';
    const errors = parseSloFile(text, name).problems.filter(({ severity }) => severity === 'error');
    const places = errors.filter(({ message }) => message.includes(expected));
    expect(errors.map(({ message }) => message).join('\n')).toContain(expected);
    for (const { line, column, lineText, file } of places) {
      expect(file).toBe(name);
      expect(text.split('\n')[(line ?? 0) - 1]).toBe(lineText);
      expect(column).toBeGreaterThan(0);
    }
  });
});

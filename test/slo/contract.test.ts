import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { parseSloFile } from '../../src/slo/parse.ts';

interface Case {
  readonly name: string;
  readonly slo: { readonly metadata: { readonly id: string } };
}

const cases = JSON.parse(
  readFileSync(new URL('../data/contract/decisions.json', import.meta.url), 'utf8'),
) as readonly Case[];

describe('the SLOs of the decision contract', () => {
  it('are 300', () => {
    expect(cases).toHaveLength(300);
  });

  it.each(cases.map(({ name, slo }) => ({ name, slo })))('$name loads as YAML and as JSON', ({ name, slo }) => {
    for (const text of [stringify(slo), JSON.stringify(slo), JSON.stringify(slo, null, 2)]) {
      const { slos, problems } = parseSloFile(text, name);
      expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
      expect(slos.map((parsed) => parsed.slo.id)).toEqual([slo.metadata.id]);
    }
  });
});

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { analyze } from '../../src/promql/analyze.ts';

const available = spawnSync('promtool', ['--version']).status === 0;
const required = process.env.AEGIS_TEST_REQUIRE_SERVICES === '1';

const leaf = fc.constantFrom(
  ...['a', 'b{x="1"}', '{y!=""}', '{z=~".*"}', 'a{x=~"\\\\d+"}', 'a{x="\\d"}', '1', '0.5', '"text"', 'job:r:rate5m'],
  ...['time()', 'vector(1)', 'sum', 'c[5m]', "d{e='f'}[1h]"],
);
const suffix = fc.constantFrom('[5m]', '[1h:5m]', '[1h:]', ' offset 5m', ' @ 100', ' @ end()', ')', '');
const operator = fc.constantFrom(
  ...['+', '-', '*', '/', '%', '^', '==', '!=', '>', '== bool', '+ bool', 'and', 'or', 'unless', 'atan2'],
  ...['/ on (x)', '- ignoring (x) group_left', '> bool on (x)'],
);
const functionName = fc.constantFrom(
  ...['rate', 'increase', 'abs', 'scalar', 'sum_over_time', 'round', 'histogram_quantile', 'clamp', 'label_join'],
  ...['label_replace', 'predict_linear', 'quantile_over_time', 'hour', 'time', 'absent', 'timestamp', 'sort', 'nope'],
);
const aggregation = fc.constantFrom(
  'sum',
  'topk',
  'count_values',
  'quantile',
  'sum by (x)',
  'max without (y)',
  'COUNT',
);

const { expression } = fc.letrec<{ expression: string }>((tie) => {
  const inner = tie('expression');
  return {
    expression: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      leaf,
      fc.tuple(inner, suffix).map(([of, after]) => of + after),
      fc.tuple(inner, operator, inner).map((all) => all.join(' ')),
      inner.map((of) => `(${of})`),
      inner.map((of) => `-${of}`),
      fc.tuple(functionName, fc.array(inner, { maxLength: 3 })).map(([name, of]) => `${name}(${of.join(', ')})`),
      fc
        .tuple(aggregation, fc.array(inner, { minLength: 1, maxLength: 2 }))
        .map(([name, of]) => `${name}(${of.join(', ')})`),
    ),
  };
});

/** Whether promtool reads each of the queries. */
function promtoolAccepts(queries: readonly string[]): boolean[] {
  const directory = mkdtempSync(join(tmpdir(), 'aegis-promtool-'));
  try {
    const rules = queries.map((expr, index) => ({ record: `r${index}`, expr }));
    writeFileSync(join(directory, 'rules.yml'), JSON.stringify({ groups: [{ name: 'g', rules }] }));
    const options = { encoding: 'utf8', maxBuffer: 2 ** 28 } as const;
    const { stderr, error } = spawnSync('promtool', ['check', 'rules', join(directory, 'rules.yml')], options);
    if (error) throw error;
    const refused = new Set([...stderr.matchAll(/group "g", rule \d+, "r(\d+)"/g)].map(([, index]) => Number(index)));
    return queries.map((_, index) => !refused.has(index));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe('against promtool', () => {
  it.skipIf(!available && !required)('accepts what Prometheus accepts, and refuses what it refuses', () => {
    // Prometheus lets a range stand after `@ end()`, though after no other modifier: an oversight of its own.
    const queries = fc
      .sample(expression, Number(process.env.AEGIS_TEST_PROMQL_CASES ?? 2000))
      .filter((query) => !query.includes('@ end()[5m]'));
    const accepted = promtoolAccepts(queries);
    const differing = queries.filter((query, index) => analyze(query).ok !== accepted[index]);
    expect(differing).toEqual([]);
    expect(accepted).toContain(true);
    expect(accepted).toContain(false);
  });
});

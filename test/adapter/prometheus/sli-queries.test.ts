import fc from 'fast-check';
import { expect, it } from 'vitest';
import { queriesOf } from '../../../src/adapter/prometheus/sli-queries.ts';
import { analyze } from '../../../src/promql/analyze.ts';
import { substituteWindow } from '../../../src/promql/window-placeholder.ts';
import type { Window } from '../../../src/slo/model.ts';
import { anSlo } from '../../support/slo.ts';

const windows: readonly Window[] = [
  { name: '5m', lengthMs: 300_000 },
  { name: '5d', lengthMs: 432_000_000 },
  { name: '030s', lengthMs: 30_000 },
  { name: '1h', lengthMs: 3_600_000 },
];

const fragments = [
  ...['a', 'a{b="{{window}}"}', 'a:rate{{window}}', '{__name__="a{{ window }}"}', '"{{window}}"', '[{{window}}]'],
  ...['[1{{window}}]', '[{{window}}:1m]', '[{{window}}{{window}}]', '{{window}}', '0x{{window}}', '1e{{window}}'],
  ...['rate(a[{{window}}])', 'sum(rate(a{b="000000005m"}[{{ window }}] offset {{window}}))', 'f{{window}}(a)', '-'],
  ...['# {{window}}\n', '.{{window}}', '(', ')', ' ', '/', 'scalar(', 'vector(1)', '1', ' offset {{window}}', '}'],
];

/** What every window's own text says, each analyzed by itself. */
function oneByOne(query: string, window: Window) {
  const analysis = analyze(substituteWindow(query, window.name));
  if (!analysis.ok) return { selectors: undefined, fault: analysis.message, isCountable: false };
  const selectors = analysis.selectors.map(({ text, metricName }) => ({ text, metricName }));
  return { selectors, fault: undefined, isCountable: analysis.type === 'vector' || analysis.type === 'scalar' };
}

// A query is analyzed once for all windows where it can be: never so that a window would be asked otherwise.
it('reads each window as if it were the only one', () => {
  const query = fc.array(fc.constantFrom(...fragments), { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(query, (total) => {
      const slo = anSlo({ good: 'a', total: 'a' });
      const asked = queriesOf({ ...slo, sli: { ...slo.sli, totalQuery: total } }, windows);
      const found = asked.map(({ kinds, totalSelectors, fault }) => ({
        selectors: totalSelectors?.map(({ text, metricName }) => ({ text, metricName })),
        fault,
        isCountable: kinds.total !== null,
      }));
      expect(found).toEqual(windows.map((window) => oneByOne(total, window)));
    }),
    { numRuns: 500, examples: fragments.map((fragment): [string] => [fragment]) },
  );
});

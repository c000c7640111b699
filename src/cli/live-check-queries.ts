import { parse } from '../promql/analyze.ts';
import { selectorsOf, type Expression } from '../promql/expression.ts';
import type { Selector } from '../promql/selector.ts';
import { substituteWindow, withStandInWindow } from '../promql/window-placeholder.ts';
import { windowsOf, type Slo, type Window } from '../slo/model.ts';

/** One of an SLO's two queries for one window, and what it reads. */
export interface LiveQuery {
  readonly role: 'good' | 'total';
  readonly window: Window;
  readonly promql: string;
  /** None where our grammar cannot read the query. */
  readonly selectors: readonly PlacedSelector[];
  readonly rates: readonly RateRange[];
}

export interface PlacedSelector {
  readonly text: string;
  /** Where it stands in the query as written. */
  readonly character: number;
}

/** A function that needs at least two samples of each series in its range. */
export interface RateRange {
  readonly functionName: string;
  readonly selector: string;
  readonly rangeMs: number;
  readonly character: number;
}

export function liveQueries(slo: Slo): readonly LiveQuery[] {
  const { goodQuery, totalQuery } = slo.sli;
  return windowsOf(slo).flatMap((window) => [
    readQuery('good', goodQuery, window),
    readQuery('total', totalQuery, window),
  ]);
}

function readQuery(role: LiveQuery['role'], query: string, window: Window): LiveQuery {
  const promql = substituteWindow(query, window.name);
  const parsed = parse(promql);
  // As long as the query as written: the same expression, at the offsets of the file.
  const asWritten = parse(withStandInWindow(query));
  if (!parsed.ok || !asWritten.ok) return { role, window, promql, selectors: [], rates: [] };
  const places = selectorsOf(asWritten.expression).map(({ offset }) => offset);
  const callPlaces = rateCalls(asWritten.expression).map(({ character }) => character);
  return {
    role,
    window,
    promql,
    selectors: selectorsOf(parsed.expression).map(({ text }, at) => ({ text, character: places[at] ?? 0 })),
    rates: rateCalls(parsed.expression).map((call, at) => ({ ...call, character: callPlaces[at] ?? 0 })),
  };
}

const needTwoSamples: ReadonlySet<string> = new Set(
  'rate irate increase delta idelta deriv predict_linear double_exponential_smoothing'.split(' '),
);

function rateCalls(expression: Expression): readonly RateRange[] {
  switch (expression.kind) {
    case 'number':
    case 'string':
    case 'selector':
      return [];
    case 'binary':
      return [...rateCalls(expression.left), ...rateCalls(expression.right)];
    case 'call': {
      const own = needTwoSamples.has(expression.name)
        ? expression.arguments.flatMap((argument) => rangeOf(expression, rangedSelector(argument)))
        : [];
      return [...own, ...expression.arguments.flatMap(rateCalls)];
    }
    case 'aggregate':
      return expression.arguments.flatMap(rateCalls);
    case 'matrix':
    case 'subquery':
    case 'modified':
    case 'paren':
    case 'unary':
      return rateCalls(expression.of);
  }
}

function rangeOf(
  { name, from }: Expression & { readonly kind: 'call' | 'aggregate' },
  selector: Selector | undefined,
): readonly RateRange[] {
  if (selector?.rangeMs === undefined) return [];
  return [{ functionName: name, selector: selector.text, rangeMs: selector.rangeMs, character: from }];
}

/** The selector of `x[5m] offset 1h`; a subquery has steps of its own, which are no scrapes. */
function rangedSelector(expression: Expression): Selector | undefined {
  if (expression.kind === 'modified' || expression.kind === 'paren') return rangedSelector(expression.of);
  return expression.kind === 'matrix' && expression.of.kind === 'selector' ? expression.of.selector : undefined;
}

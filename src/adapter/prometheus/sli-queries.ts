import { analyze, type Analysis } from '../../promql/analyze.ts';
import type { Selector } from '../../promql/selector.ts';
import {
  hasStandIn,
  placeholdersStandAlone,
  substituteWindow,
  withStandInWindow,
} from '../../promql/window-placeholder.ts';
import type { Slo, Window } from '../../slo/model.ts';
import type { Part, Unit } from './part.ts';

/** A window's good and total as they are sent, and what is known of them. */
export interface WindowQueries {
  readonly window: Window;
  readonly unit: Unit;
  /** undefined: our grammar cannot read the query, and says why in `fault`. */
  readonly goodSelectors: readonly Selector[] | undefined;
  readonly totalSelectors: readonly Selector[] | undefined;
  readonly fault?: string;
}

/** The queries of an SLO for each of these windows. */
export function queriesOf(slo: Slo, windows: readonly Window[]): readonly WindowQueries[] {
  const [goodOf, totalOf] = [reader(slo.sli.goodQuery, 'good'), reader(slo.sli.totalQuery, 'total')];
  return windows.map((window) => {
    const [good, total] = [goodOf(window), totalOf(window)];
    const fault = good.fault ?? total.fault;
    return {
      window,
      unit: { group: window.name, parts: [good.part, total.part], asItStands: !good.countable || !total.countable },
      goodSelectors: good.selectors,
      totalSelectors: total.selectors,
      ...(fault !== undefined && { fault }),
    };
  });
}

interface ReadQuery {
  readonly part: Part;
  /** Known to be a vector or a scalar, so that it can stand in a union. */
  readonly countable: boolean;
  readonly selectors: readonly Selector[] | undefined;
  readonly fault?: string;
}

/** Where a query says the same of each window it is analyzed once, and not once a window. */
function reader(query: string, role: 'good' | 'total'): (window: Window) => ReadQuery {
  const ofAll = windowIndependent(query);
  return (window) => {
    const promql = substituteWindow(query, window.name);
    return read(promql, role, window, ofAll ?? analyze(promql));
  };
}

/** The analysis of a query whose type and selectors, ranges apart, are those of any window; undefined where they may differ. */
function windowIndependent(query: string): Analysis | undefined {
  if (!placeholdersStandAlone(query)) return undefined;
  const analysis = analyze(withStandInWindow(query));
  return analysis.ok && !analysis.selectors.some(({ text }) => hasStandIn(text)) ? analysis : undefined;
}

function read(promql: string, role: 'good' | 'total', window: Window, analysis: Analysis): ReadQuery {
  const part = (type: Part['type']): Part => ({
    tag: `${role}:${window.name}`,
    role,
    window: window.name,
    promql,
    type,
  });
  if (!analysis.ok) return { part: part('vector'), countable: false, selectors: undefined, fault: analysis.message };
  const { type, selectors } = analysis;
  if (type === 'scalar') return { part: part('scalar'), countable: true, selectors };
  return { part: part('vector'), countable: type === 'vector', selectors };
}

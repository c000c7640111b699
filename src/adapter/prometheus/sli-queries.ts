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

/** As what a query stands in a union; null where our grammar cannot tell, so that it is sent by itself. */
type Kind = Part['type'] | null;

export interface Kinds {
  readonly good: Kind;
  readonly total: Kind;
}

/** There are few pairs, and each of ten thousand SLOs has one for each window. */
const pairs = new Map<string, Kinds>();

function kindsOf(good: Kind, total: Kind): Kinds {
  const name = `${good} ${total}`;
  const kinds = pairs.get(name) ?? { good, total };
  pairs.set(name, kinds);
  return kinds;
}

/** What is known of a window's good and total. */
export interface WindowQueries {
  readonly window: Window;
  readonly kinds: Kinds;
  /** undefined: our grammar cannot read the query, and says why in `fault`. */
  readonly goodSelectors: readonly Selector[] | undefined;
  readonly totalSelectors: readonly Selector[] | undefined;
  readonly fault?: string;
}

/** The queries of an SLO for each of these windows. */
export function queriesOf(slo: Slo, windows: readonly Window[]): readonly WindowQueries[] {
  const [goodOf, totalOf] = [reader(slo.sli.goodQuery), reader(slo.sli.totalQuery)];
  return windows.map((window) => {
    const [good, total] = [goodOf(window), totalOf(window)];
    const fault = good.fault ?? total.fault;
    return {
      window,
      kinds: kindsOf(good.kind, total.kind),
      goodSelectors: good.selectors,
      totalSelectors: total.selectors,
      ...(fault !== undefined && { fault }),
    };
  });
}

/** A window's good and total as they are sent. */
export function windowUnit({ sli }: Slo, { name }: Window, { good, total }: Kinds): Unit {
  const part = (role: 'good' | 'total', query: string, kind: Kind): Part => ({
    tag: `${role}:${name}`,
    role,
    window: name,
    promql: substituteWindow(query, name),
    type: kind ?? 'vector',
  });
  return {
    group: name,
    parts: [part('good', sli.goodQuery, good), part('total', sli.totalQuery, total)],
    asItStands: good === null || total === null,
  };
}

interface ReadQuery {
  readonly kind: Kind;
  readonly selectors: readonly Selector[] | undefined;
  readonly fault?: string;
}

/** Where a query says the same of each window it is analyzed once, and not once a window. */
function reader(query: string): (window: Window) => ReadQuery {
  const ofAll = windowIndependent(query);
  return (window) => read(ofAll ?? analyze(substituteWindow(query, window.name)));
}

/** The analysis of a query whose type and selectors, ranges apart, are those of any window; undefined where they may differ. */
function windowIndependent(query: string): Analysis | undefined {
  if (!placeholdersStandAlone(query)) return undefined;
  const analysis = analyze(withStandInWindow(query));
  return analysis.ok && !analysis.selectors.some(({ text }) => hasStandIn(text)) ? analysis : undefined;
}

function read(analysis: Analysis): ReadQuery {
  if (!analysis.ok) return { kind: null, selectors: undefined, fault: analysis.message };
  const { type, selectors } = analysis;
  return { kind: type === 'vector' || type === 'scalar' ? type : null, selectors };
}

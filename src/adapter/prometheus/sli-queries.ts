import { analyze } from '../../promql/analyze.ts';
import type { Selector } from '../../promql/selector.ts';
import { substituteWindow } from '../../promql/window-placeholder.ts';
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

/** The queries of an SLO for one window. */
export function queriesOf(slo: Slo, window: Window): WindowQueries {
  const good = read(slo.sli.goodQuery, 'good', window);
  const total = read(slo.sli.totalQuery, 'total', window);
  const fault = good.fault ?? total.fault;
  return {
    window,
    unit: { group: window.name, parts: [good.part, total.part], asItStands: !good.countable || !total.countable },
    goodSelectors: good.selectors,
    totalSelectors: total.selectors,
    ...(fault !== undefined && { fault }),
  };
}

interface ReadQuery {
  readonly part: Part;
  /** Known to be a vector or a scalar, so that it can stand in a union. */
  readonly countable: boolean;
  readonly selectors: readonly Selector[] | undefined;
  readonly fault?: string;
}

function read(query: string, role: 'good' | 'total', window: Window): ReadQuery {
  const promql = substituteWindow(query, window.name);
  const analysis = analyze(promql);
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

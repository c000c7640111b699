import type { Tree } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import { readExpression, selectorsOf, type Expression } from './expression.ts';
import type { Fault } from './fault.ts';
import type { PromqlType } from './functions.ts';
import type { Selector } from './selector.ts';
import { describeSyntaxError } from './syntax-error.ts';
import { typeOf } from './type-check.ts';

/** What is known of a query before it is sent. */
export type Analysis =
  | {
      readonly ok: true;
      /** Of the whole query. Only `vector` and `scalar` have a value at an instant that can be counted. */
      readonly type: PromqlType;
      /** In the order in which they stand; the same text may come twice. */
      readonly selectors: readonly Selector[];
      /** The query is one vector selector and nothing else. */
      readonly isSelector: boolean;
    }
  | ({ readonly ok: false } & Fault);

export type Parsed =
  { readonly ok: true; readonly type: PromqlType; readonly expression: Expression } | ({ readonly ok: false } & Fault);

/** Reads a query, `{{window}}` substituted before: its selectors and its static type, or its first fault. */
export function analyze(query: string): Analysis {
  return analysisOf(parse(query));
}

/** The same of a query that was parsed already. */
export function analysisOf(parsed: Parsed): Analysis {
  if (!parsed.ok) return parsed;
  const { type, expression } = parsed;
  return { ok: true, type, selectors: selectorsOf(expression), isSelector: expression.kind === 'selector' };
}

/** The query as a checked expression, or its first fault. */
export function parse(query: string): Parsed {
  const tree = wholeTree(query);
  if ('message' in tree) return { ok: false, ...tree };
  const root = tree.topNode.getChild('Expr');
  if (root === null) return { ok: false, offset: 0, message: 'the query is empty' };
  const faults: Fault[] = [];
  const expression = readExpression(root, query, faults);
  const type = typeOf(expression, faults);
  const first = faults.reduce<Fault | undefined>((a, b) => (a === undefined || b.offset < a.offset ? b : a), undefined);
  return first === undefined ? { ok: true, type, expression } : { ok: false, ...first };
}

/** Ends at the first error: a tree without one need not be searched for it. */
const strict = parser.configure({ strict: true });

function wholeTree(query: string): Tree | Fault {
  try {
    return strict.parse(query);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const tree = parser.parse(query);
    return describeSyntaxError(tree, query) ?? tree;
  }
}

import type { Parsed } from './analyze.ts';
import type { BinaryOperation, Expression } from './expression.ts';
import { typeOf } from './type-check.ts';

export interface Subtraction {
  /** Offset of the subtraction in the query as written. */
  readonly offset: number;
  /** The same difference, right while the subtrahend has no series; absent where it is not simple to write. */
  readonly remedy?: string;
}

/**
 * The first subtraction whose subtrahend may have no series. `T - E` is empty while E is, so that a service that has
 * never failed has no good events at all. Takes the query as written, and parsed with stand-ins for its placeholders.
 */
export function unguardedSubtraction(query: string, parsed: Parsed): Subtraction | undefined {
  if (!parsed.ok) return undefined;
  const found = subtractionsOf(parsed.expression).filter(({ right }) => mayBeEmpty(right));
  const [first] = found;
  if (first === undefined) return undefined;
  const remedy = found.length === 1 ? remedyFor(first, query) : undefined;
  return { offset: first.from, ...(remedy === undefined ? {} : { remedy }) };
}

const longestRemedy = 1000;

function remedyFor({ left, right, matching }: BinaryOperation, query: string): string | undefined {
  if (matching || typeOf(left, []) !== 'vector') return undefined;
  const [total, errors] = [left, right].map(({ from, to }) => query.slice(from, to).replace(/\s+/g, ' '));
  const remedy = `(${total ?? ''}) - ((${errors ?? ''}) or 0 * (${total ?? ''}))`;
  // A comment would swallow what follows it on the one line.
  return remedy.includes('#') || remedy.length > longestRemedy ? undefined : remedy;
}

type Subtracting = BinaryOperation & { readonly from: number };

function subtractionsOf(expression: Expression): Subtracting[] {
  switch (expression.kind) {
    case 'number':
    case 'string':
    case 'selector':
      return [];
    case 'binary': {
      const deeper = [expression.left, expression.right].flatMap(subtractionsOf);
      return expression.operator === '-' ? [expression, ...deeper] : deeper;
    }
    case 'call':
    case 'aggregate':
      return expression.arguments.flatMap(subtractionsOf);
    case 'matrix':
    case 'subquery':
    case 'modified':
    case 'paren':
    case 'unary':
      return subtractionsOf(expression.of);
  }
}

const neverEmpty: ReadonlySet<string> = new Set(['vector', 'scalar', 'time', 'pi']);

function mayBeEmpty(expression: Expression): boolean {
  switch (expression.kind) {
    case 'number':
    case 'string':
      return false;
    case 'selector':
      return true;
    case 'binary':
      return expression.operator !== 'or' && (mayBeEmpty(expression.left) || mayBeEmpty(expression.right));
    case 'call':
    case 'aggregate':
      return !neverEmpty.has(expression.name) && expression.arguments.some(mayBeEmpty);
    case 'matrix':
    case 'subquery':
    case 'modified':
    case 'paren':
    case 'unary':
      return mayBeEmpty(expression.of);
  }
}

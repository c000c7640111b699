import type { SyntaxNode } from '@lezer/common';
import { durationMs } from './duration.ts';
import type { Fault } from './fault.ts';
import { readSelector, readString, type Selector } from './selector.ts';

/** A PromQL expression. `from` and `to` are offsets into the query. */
export type Expression = { readonly from: number; readonly to: number } & (
  | { readonly kind: 'number' | 'string' }
  | { readonly kind: 'selector'; readonly selector: Selector }
  | { readonly kind: 'matrix' | 'subquery' | 'paren' | 'unary'; readonly of: Expression }
  | { readonly kind: 'modified'; readonly modifier: Modifier; readonly of: Expression }
  | BinaryOperation
  | { readonly kind: 'call' | 'aggregate'; readonly name: string; readonly arguments: readonly Expression[] }
);

export type Modifier = 'offset' | '@' | 'anchored' | 'smoothed';

export interface BinaryOperation {
  readonly kind: 'binary';
  readonly operator: string;
  /** `bool` stands after the operator. */
  readonly bool: boolean;
  /** `on`, `ignoring`, `group_left`, `fill` and the like stand after the operator. */
  readonly matching: boolean;
  readonly left: Expression;
  readonly right: Expression;
}

// Far above what people write, far below what the stack holds.
const deepest = 500;

/** Reads the grammar's tree into an expression; what Prometheus would refuse in its words is added to `faults`. */
export function readExpression(node: SyntaxNode, query: string, faults: Fault[], depth = 0): Expression {
  const place = { from: node.from, to: node.to };
  if (depth > deepest) {
    faults.push({ offset: node.from, message: `the query is nested more than ${deepest} deep` });
    return { ...place, kind: 'number' };
  }
  const read = (child: SyntaxNode) => readExpression(child, query, faults, depth + 1);
  const inner = node.getChild('Expr');
  switch (node.name) {
    case 'StringLiteral':
      readString(node, query, faults);
      return { ...place, kind: 'string' };
    case 'VectorSelector':
      return { ...place, kind: 'selector', selector: readSelector(node, query, faults) };
    case 'BinaryExpr':
      return { ...place, ...readBinary(node, query, read) };
    case 'FunctionCall':
    case 'AggregateExpr':
      return readCall(node, query, read);
    default:
      if (inner === null) return { ...place, kind: 'number' };
      return readWrapped(node, query, read(inner));
  }
}

const modifiers: Readonly<Record<string, Modifier>> = {
  OffsetExpr: 'offset',
  StepInvariantExpr: '@',
  AnchoredExpr: 'anchored',
  SmoothedExpr: 'smoothed',
};

function readWrapped(node: SyntaxNode, query: string, inner: Expression): Expression {
  const { from, to } = node;
  switch (node.name) {
    case 'ParenExpr':
      return { from, to, kind: 'paren', of: inner };
    case 'UnaryExpr':
      return { from, to, kind: 'unary', of: inner };
    case 'MatrixSelector':
      return attach(inner, to, (of) => ({
        from: of.from,
        to,
        kind: 'matrix',
        of: withRange(of, rangeOf(node, query)),
      }));
    case 'SubqueryExpr':
      return attach(inner, to, (of) => ({ from: of.from, to, kind: 'subquery', of }));
    default: {
      const modifier = modifiers[node.name] ?? 'offset';
      return attach(inner, to, (of) => ({ from: of.from, to, kind: 'modified', modifier, of }));
    }
  }
}

/**
 * Puts what stands after an expression onto its last operand. Prometheus binds `[5m]`, `offset` and `@` more tightly
 * than any operator; the grammar reads `a / b offset 5m` as `(a / b) offset 5m`.
 */
function attach(target: Expression, end: number, wrap: (of: Expression) => Expression): Expression {
  if (target.kind === 'binary') return { ...target, to: end, right: attach(target.right, end, wrap) };
  if (target.kind === 'unary') return { ...target, to: end, of: attach(target.of, end, wrap) };
  return wrap(target);
}

function withRange(of: Expression, rangeMs: number | undefined): Expression {
  if (of.kind !== 'selector' || rangeMs === undefined) return of;
  return { ...of, selector: { ...of.selector, rangeMs } };
}

function rangeOf(matrix: SyntaxNode, query: string): number | undefined {
  const range = matrix.getChild('DurationExpr');
  return range === null ? undefined : durationMs(query.slice(range.from, range.to));
}

function readBinary(node: SyntaxNode, query: string, read: (child: SyntaxNode) => Expression): BinaryOperation {
  const [left, right] = node.getChildren('Expr');
  if (left === undefined || right === undefined) throw new Error('a binary expression without its two operands');
  let operator = left.nextSibling;
  while (operator?.name === 'LineComment') operator = operator.nextSibling;
  return {
    kind: 'binary',
    operator: operator === null ? '' : query.slice(operator.from, operator.to).toLowerCase(),
    bool: node.getChild('BoolModifier') !== null,
    matching: node.getChild('MatchingModifierClause') !== null || node.getChild('FillModifier') !== null,
    left: read(left),
    right: read(right),
  };
}

function readCall(node: SyntaxNode, query: string, read: (child: SyntaxNode) => Expression): Expression {
  const kind = node.name === 'FunctionCall' ? 'call' : 'aggregate';
  const name = node.firstChild; // FunctionIdentifier or AggregateOp
  const body = node.getChild('FunctionCallBody');
  return {
    from: node.from,
    to: node.to,
    kind,
    name: name === null ? '' : query.slice(name.from, name.to).toLowerCase(),
    arguments: body === null ? [] : body.getChildren('Expr').map(read),
  };
}

/** The vector selectors of an expression, in the order in which they stand. */
export function selectorsOf(expression: Expression): Selector[] {
  switch (expression.kind) {
    case 'number':
    case 'string':
      return [];
    case 'selector':
      return [expression.selector];
    case 'binary':
      return [...selectorsOf(expression.left), ...selectorsOf(expression.right)];
    case 'call':
      // The second argument of info() selects labels, not series to be read.
      return expression.arguments.slice(0, expression.name === 'info' ? 1 : undefined).flatMap(selectorsOf);
    case 'aggregate':
      return expression.arguments.flatMap(selectorsOf);
    case 'matrix':
    case 'subquery':
    case 'modified':
    case 'paren':
    case 'unary':
      return selectorsOf(expression.of);
  }
}

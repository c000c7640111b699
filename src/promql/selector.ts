import type { SyntaxNode } from '@lezer/common';
import type { Fault } from './fault.ts';
import { unquote } from './string-literal.ts';

/** A vector selector of a query. */
export interface Selector {
  /** Without range, `offset`, `@` and comments, evenly spaced: equal texts select the same series. */
  readonly text: string;
  /** Where it stands in the query. */
  readonly offset: number;
  /** Absent where the selector names no metric, or names it by a regular expression. */
  readonly metricName?: string;
  /** The range that stands after it, `[5m]`; absent where there is none, or where it has to be calculated. */
  readonly rangeMs?: number;
}

interface Matcher {
  readonly label: string;
  readonly operator: string;
  readonly value: string;
  readonly text: string;
}

/** Reads a VectorSelector node; what Prometheus would refuse in it is added to `faults`. */
export function readSelector(node: SyntaxNode, query: string, faults: Fault[]): Selector {
  const textOf = (of: SyntaxNode) => query.slice(of.from, of.to);
  const identifier = node.getChild('Identifier');
  const braces = node.getChild('LabelMatchers');
  const matchers = braces === null ? [] : readMatchers(braces, query, faults);
  const names = matchers.filter(({ label, operator }) => label === '__name__' && operator === '=');
  if (identifier !== null && matchers.some(({ label }) => label === '__name__')) {
    faults.push({ offset: node.from, message: 'the metric name is given twice, before the braces and as __name__' });
  }
  if (identifier === null && matchers.every(matchesEmpty)) {
    const message = 'the selector needs a metric name, or a label matcher that does not match the empty string';
    faults.push({ offset: node.from, message });
  }
  const metricName = identifier === null ? names[0]?.value : textOf(identifier);
  const inBraces = matchers.length === 0 ? '' : `{${matchers.map(({ text }) => text).join(',')}}`;
  const text = `${identifier === null ? '' : textOf(identifier)}${inBraces}`;
  return { text, offset: node.from, ...(metricName === undefined ? {} : { metricName }) };
}

function readMatchers(braces: SyntaxNode, query: string, faults: Fault[]): Matcher[] {
  const matchers: Matcher[] = [];
  for (let node = braces.firstChild; node !== null; node = node.nextSibling) {
    const literal = (of: SyntaxNode | null | undefined) => (of ? readString(of, query, faults) : '');
    if (node.name === 'QuotedLabelName') {
      const text = query.slice(node.from, node.to);
      matchers.push({ label: '__name__', operator: '=', value: literal(node.firstChild), text });
    } else if (node.name === 'UnquotedLabelMatcher' || node.name === 'QuotedLabelMatcher') {
      const label = node.getChild('LabelName');
      const quoted = node.getChild('QuotedLabelName');
      const operator = node.getChild('MatchOp');
      const value = node.getChild('StringLiteral');
      if (operator === null || value === null) continue; // the tree has an error there
      const name = label ? query.slice(label.from, label.to) : literal(quoted?.firstChild);
      const written = [label ?? quoted, operator, value].map((part) => (part ? query.slice(part.from, part.to) : ''));
      matchers.push({
        label: name,
        operator: query.slice(operator.from, operator.to),
        value: literal(value),
        text: written.join(''),
      });
    }
  }
  return matchers;
}

/** The value of a StringLiteral node; an ill-formed one is added to `faults`. */
export function readString(node: SyntaxNode, query: string, faults: Fault[]): string {
  const result = unquote(query.slice(node.from, node.to));
  if (result.ok) return result.value;
  faults.push({ offset: node.from + result.at, message: result.message });
  return '';
}

/** Whether a series without the label passes. Go's regular expressions that JavaScript cannot read count as not passing. */
function matchesEmpty({ operator, value }: Matcher): boolean {
  switch (operator) {
    case '=':
      return value === '';
    case '!=':
      return value !== '';
    default:
      return anchored(value)?.test('') === (operator === '=~');
  }
}

function anchored(expression: string): RegExp | undefined {
  try {
    return new RegExp(`^(?:${expression})$`, 's');
  } catch {
    return undefined;
  }
}

import type { SyntaxNodeRef, Tree } from '@lezer/common';
import type { Fault } from './fault.ts';

/** The first error of a tree in words; undefined where it has none. */
export function describeSyntaxError(tree: Tree, query: string): Fault | undefined {
  let first: { from: number; to: number } | undefined;
  let unclosed: Fault | undefined;
  tree.iterate({
    enter(node) {
      if (first !== undefined) return false;
      if (node.type.isError) first = { from: node.from, to: node.to };
      unclosed ??= unclosedString(node, query);
      return undefined;
    },
  });
  if (first === undefined) return undefined;
  // The grammar takes a string that never ends, and then misses what it swallowed.
  if (unclosed !== undefined && unclosed.offset < first.from) return unclosed;
  // White space after the query is not where something is missing.
  const offset = Math.min(first.from, query.trimEnd().length);
  return { offset, message: messageAt(offset, query) };
}

function unclosedString(node: SyntaxNodeRef, query: string): Fault | undefined {
  if (node.name !== 'StringLiteral') return undefined;
  const text = query.slice(node.from, node.to);
  const quote = text[0] ?? '';
  if (text.length > 1 && text.endsWith(quote)) return undefined;
  return { offset: node.from, message: `the string is not closed: ${quote} is missing at its end` };
}

function messageAt(offset: number, query: string): string {
  const before = query.slice(0, offset);
  const rest = query.slice(offset).replace(/^\s+/, '');
  if (query.includes('{{')) return 'unknown placeholder: the window is written {{window}}';
  if (query.replace(/#[^\n]*/g, '').trim() === '') return 'the query is empty';
  if (rest === '') return `unexpected end of the query${missingBracket(query)}`;
  const name = /([A-Za-z_:][\w:]*)\s*$/.exec(before)?.[1];
  if (rest.startsWith('(') && name !== undefined) return `unknown function ${name}`;
  const token = /^([A-Za-z_:][\w:]*|[\d.]+\w*|"[^"\n]*"?|'[^'\n]*'?|.)/su.exec(rest)?.[0] ?? rest;
  return `unexpected ${token}${/^[)\]}]$/.test(token) ? missingBracket(before) : ''}`;
}

const closing: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

function missingBracket(text: string): string {
  const open: string[] = [];
  const bare = text.replace(/"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`[^`]*`|#[^\n]*/g, '');
  for (const character of bare) {
    if (character in closing) open.push(character);
    else if (closing[open.at(-1) ?? ''] === character) open.pop();
  }
  const last = open.at(-1);
  return last === undefined ? '' : `: a closing ${closing[last] ?? ''} is missing`;
}

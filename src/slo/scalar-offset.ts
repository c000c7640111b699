import type { Scalar } from 'yaml';

/** Offset in the file of the n-th character of a scalar's text; the scalar's start where the text was folded. */
export function characterOffset(node: Scalar, character: number, text: string): number {
  const start = node.range?.[0] ?? 0;
  const end = node.range?.[1] ?? start;
  const source = text.slice(start, end);
  const value = String(node.value);
  switch (node.type) {
    case 'BLOCK_LITERAL':
      return start + (inLiteralBlock(source, value, character) ?? 0);
    case 'QUOTE_DOUBLE':
    case 'QUOTE_SINGLE':
      return start + (inQuotes(source, character) ?? 0);
    case 'PLAIN':
    case 'BLOCK_FOLDED': // its lines are joined
    case undefined:
    default:
      return source.startsWith(value.slice(0, character)) ? start + character : start;
  }
}

/** The value's lines are the block's, less the indentation, after the line that holds the `|`. */
function inLiteralBlock(source: string, value: string, character: number): number | undefined {
  const before = value.slice(0, character).split('\n');
  const valueLine = value.split('\n')[before.length - 1] ?? '';
  let lineStart = 0;
  for (let lines = before.length; lines > 0; lines -= 1) {
    const next = source.indexOf('\n', lineStart);
    if (next < 0) return undefined;
    lineStart = next + 1;
  }
  const line = /^[^\r\n]*/.exec(source.slice(lineStart))?.[0] ?? '';
  if (!line.endsWith(valueLine)) return undefined;
  return lineStart + line.length - valueLine.length + (before.at(-1)?.length ?? 0);
}

const escape = /^\\(?:x..|u....|U........|[^\n])/s;

/** Walks a quoted scalar of one line; each escape is one character (or two, above U+FFFF). */
function inQuotes(source: string, character: number): number | undefined {
  const quote = source[0];
  let at = 1;
  for (let count = 0; count < character;) {
    const rest = source.slice(at, at + 10);
    if (rest === '' || rest.startsWith('\n')) return undefined;
    const escaped = quote === '"' ? escape.exec(rest)?.[0] : /^''/.exec(rest)?.[0];
    at += escaped?.length ?? 1;
    count += escaped?.startsWith('\\U') && parseInt(escaped.slice(2), 16) > 0xffff ? 2 : 1;
  }
  return at;
}

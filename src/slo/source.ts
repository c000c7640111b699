import type { Problem } from './problem.ts';

/** A place in a file, as problems give it. */
export type Place = Pick<Problem, 'file' | 'line' | 'column' | 'lineText'>;

/** The text of a file and where its lines begin. */
export interface Source {
  readonly text: string;
  readonly file: string;
  readonly lineStarts: readonly number[];
}

export function sourceOf(text: string, file: string): Source {
  // Counted here: the YAML parser's own count misses lines inside broken brackets.
  const lineStarts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lineStarts.push(at + 1);
  return { text, file, lineStarts };
}

/** The line of an offset, 1-based. */
export function lineAt(offset: number, { lineStarts }: Source): number {
  let low = 0;
  let high = lineStarts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lineStarts[middle] ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

// A caret under a longer line helps nobody.
const longestLine = 10_000;

/** Line and column of an offset, with the text of the line. */
export function placeAt(offset: number, source: Source): Place {
  const line = lineAt(offset, source);
  const start = source.lineStarts[line - 1] ?? 0;
  const lineText = /^[^\r\n]*/.exec(source.text.slice(start, start + longestLine + 1))?.[0] ?? '';
  const shown = lineText.length > longestLine ? {} : { lineText };
  return { file: source.file, line, column: offset - start + 1, ...shown };
}

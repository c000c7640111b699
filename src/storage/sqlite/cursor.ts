import { AegisError } from '../../errors.ts';

/** Where a page ended: the instant as its row has it, and the row's id. Rows of other engines have both too. */
export interface Position {
  readonly timestamp: string;
  readonly id: string;
}

/** Which pages a cursor is of, and in which version of its form: a cursor of another list is refused. */
const marks = {
  ...{ evaluations: 'a1', decisions: 'd1', orders: 'o1' },
  ...{ exportedEvaluations: 'ea1', exportedDecisions: 'ed1', exportedOrders: 'eo1' },
} as const;

type CursorKind = keyof typeof marks;

export type PageKind = 'evaluations' | 'decisions' | 'orders';
export type ExportKind = Exclude<CursorKind, PageKind>;

/** Opaque to clients: base64url, so that it stands in a URL as it is. */
export function encodeCursor(kind: CursorKind, { timestamp, id }: Position): string {
  return Buffer.from(JSON.stringify([marks[kind], timestamp, id])).toString('base64url');
}

/** Throws `AegisError('invalid_request')` for a text that `encodeCursor` did not make for this kind of page. */
export function decodeCursor(kind: CursorKind, cursor: string): Position {
  const position = positionIn(kind, cursor);
  if (position === null || encodeCursor(kind, position) !== cursor) {
    throw new AegisError(
      'invalid_request',
      'cursor is not one of this list: take nextCursor from the page before, or of an export the cursor of its last line',
    );
  }
  return position;
}

function positionIn(kind: CursorKind, cursor: string): Position | null {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return null; // not JSON: none of ours, which the caller says
  }
  if (!Array.isArray(parts) || parts.length !== 3) return null;
  const [mark, timestamp, id] = parts as unknown[];
  if (mark !== marks[kind] || typeof timestamp !== 'string' || typeof id !== 'string') return null;
  return { timestamp, id };
}

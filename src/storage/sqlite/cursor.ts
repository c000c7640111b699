import { AegisError } from '../../errors.ts';

/** Where a page ended: the instant as its row has it, and the evaluation id. Rows of other engines have both too. */
export interface Position {
  readonly timestamp: string;
  readonly evaluationId: string;
}

const version = 'a1';

/** Opaque to clients: base64url, so that it stands in a URL as it is. */
export function encodeCursor(position: Position): string {
  return Buffer.from(JSON.stringify([version, position.timestamp, position.evaluationId])).toString('base64url');
}

/** Throws `AegisError('invalid_request')` for a text that `encodeCursor` did not make. */
export function decodeCursor(cursor: string): Position {
  const position = positionIn(cursor);
  if (position === null || encodeCursor(position) !== cursor) {
    throw new AegisError('invalid_request', 'cursor is not one of this server: take nextCursor from the page before');
  }
  return position;
}

function positionIn(cursor: string): Position | null {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return null; // not JSON: none of ours, which the caller says
  }
  if (!Array.isArray(parts) || parts.length !== 3) return null;
  const [made, timestamp, evaluationId] = parts as unknown[];
  if (made !== version || typeof timestamp !== 'string' || typeof evaluationId !== 'string') return null;
  return { timestamp, evaluationId };
}

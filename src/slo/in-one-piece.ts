/**
 * A copy of plain data with strings of its own: those that a parser makes are slices, each of which keeps the whole text
 * that it was cut from.
 */
export function inOnePiece<T>(data: T): T {
  return JSON.parse(JSON.stringify(data)) as T;
}

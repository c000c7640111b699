/**
 * A copy of plain data with strings of its own: those that the YAML parser makes are slices, each of which keeps the whole
 * text of the file.
 */
export function inOnePiece<T>(data: T): T {
  return JSON.parse(JSON.stringify(data)) as T;
}

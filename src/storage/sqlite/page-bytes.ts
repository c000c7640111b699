/** Room of the memory that goes round: for a page of a hundred rows and some more. A larger page has memory of its own. */
export const pageRoomBytes = 128 * 1024;
/** More are not kept, on either side. */
export const mostSpare = 8;

const spare: ArrayBuffer[] = [];
const encoder = new TextEncoder();

/** Takes memory back whose page was sent. */
export function keepSpare(memory: ArrayBuffer): void {
  if (spare.length < mostSpare) spare.push(memory);
}

/**
 * The bytes of a page, to be transferred to the main thread, which sends the memory back when it is done. What comes as
 * new memory each time makes V8 collect everything on the main thread after each 64 MB, a second of busy reading.
 */
export function pageBytes(text: string): Uint8Array<ArrayBuffer> {
  const memory = spare.pop() ?? new ArrayBuffer(pageRoomBytes);
  const { read, written } = encoder.encodeInto(text, new Uint8Array(memory));
  if (read === text.length) return new Uint8Array(memory, 0, written);
  keepSpare(memory);
  return encoder.encode(text);
}

/** Text from outside, fit for a terminal: control characters, which could move its cursor, are written out. */
export function visible(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

import { visible } from '../telemetry/visible.ts';

/**
 * JSON that may be printed on a terminal. `JSON.stringify` leaves DEL and the controls behind it (C1, of which U+009B
 * begins a sequence as ESC [ does) as they are; written out they are the same JSON.
 */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(/[\u007f-\u009f]/g, visible);
}

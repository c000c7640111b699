import { randomBytes } from 'node:crypto';

const drawnBytes = 4096;
/** Of an id; the time stands over the first six. */
const idBytes = 16;

let drawn = Buffer.alloc(0);
let at = 0;

/**
 * A UUIDv7 (RFC 9562, section 5.7): ids of later milliseconds sort after those of earlier ones. Random bytes are drawn in
 * bulk: one by one they cost more than all else of an id.
 */
export function newEvaluationId(epochMs: number): string {
  if (at + idBytes > drawn.length) {
    drawn = randomBytes(drawnBytes);
    at = 0;
  }
  const bytes = drawn.subarray(at, at + idBytes);
  at += idBytes;
  bytes.writeUIntBE(Math.max(Math.floor(epochMs), 0), 0, 6);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

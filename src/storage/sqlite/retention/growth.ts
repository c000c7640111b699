import type { Grown } from '../messages.ts';

/** How much the audit takes a day, by what was seen of the last day. */
export interface Growth {
  add(grown: Grown): void;
  /** Bytes; null where less than an hour was seen, as a day cannot be told from that. */
  perDay(): number | null;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

export function createGrowth(): Growth {
  const seen: Grown[] = [];
  let bytes = 0;
  let overMs = 0;

  return {
    add(grown) {
      seen.push(grown);
      bytes += grown.bytes;
      overMs += grown.overMs;
      for (let oldest = seen[0]; oldest !== undefined && overMs - oldest.overMs >= dayMs; oldest = seen[0]) {
        seen.shift();
        bytes -= oldest.bytes;
        overMs -= oldest.overMs;
      }
    },
    perDay: () => (overMs < hourMs ? null : Math.max(0, (bytes / overMs) * dayMs)),
  };
}

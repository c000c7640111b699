import { createHash } from 'node:crypto';
import { windowsOf, type Slo, type SloDocument } from './model.ts';

/** Names an SLO as it stands: equal for documents that say the same, in whatever order and with or without defaults. */
export function specHash(document: SloDocument): string {
  return sha256(canonicalJson(document));
}

/** Names what decides an SLO's numbers, queries and windows: measurements under another hash cannot be compared. */
export function sliHash(slo: Slo): string {
  const windows = windowsOf(slo)
    .map(({ name }) => name)
    .sort();
  return sha256(canonicalJson({ good: slo.sli.goodQuery, total: slo.sli.totalQuery, windows }));
}

/** A number from 0 to 1 for each id, evenly spread: the same at each start, and on every server. */
export function spreadOf(id: string): number {
  return createHash('sha256').update(id).digest().readUInt32BE(8) / 2 ** 32;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** JSON with the keys of every map in order. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

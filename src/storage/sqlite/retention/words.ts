import type { Retention } from '../../ports.ts';
import { instantText } from '../instant-text.ts';
import type { Tally } from './rows.ts';

const names = {
  evaluation: 'evaluations',
  decision: 'served decisions',
  order: 'orders',
  version: 'versions of SLOs',
} as const;

/** `1000 evaluations, 20 orders`; what is none is not said. */
export function countsInWords(counts: Tally): string {
  const said = Object.entries(names).flatMap(([kind, name]) => {
    const count = counts[kind as keyof Tally];
    return count > 0 ? [`${count} ${name}`] : [];
  });
  return said.join(', ');
}

export function bytesInWords(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** `2026-08-23 10:00:00`, UTC. */
export function instantInWords(epochMs: number): string {
  return `${instantText(epochMs).slice(0, 19)} UTC`;
}

/** The settings as they stand. */
export function retentionInWords({ maxAgeMs, maxRows, maxBytes }: Retention): string {
  const bounds = [
    maxAgeMs > 0 ? `for ${ageInWords(maxAgeMs)}` : '',
    maxRows > 0 ? `up to ${maxRows} of a kind` : '',
    maxBytes > 0 ? `up to ${bytesInWords(maxBytes)}` : '',
  ].filter((bound) => bound !== '');
  return bounds.length === 0 ? 'rows are kept for ever' : `rows are kept ${bounds.join(', ')}`;
}

/** `90d`, `36h`, `90m`: in the largest unit that it is a whole number of. */
function ageInWords(ms: number): string {
  const [size, unit] = ageUnits.find(([unitMs]) => ms % unitMs === 0) ?? [1, 'ms'];
  return `${ms / size}${unit}`;
}

const ageUnits = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1_000, 's'],
] as const;

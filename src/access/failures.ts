import type { Clock } from '../clock.ts';
import { addressGroup } from './address-group.ts';

/** How often an address may be refused in a window; then it is told to wait. Whoever is recognised is never counted. */
const mostFailures = 20;
const windowMs = 60_000;

/** Addresses remembered; the ones that failed first are forgotten first. */
const mostAddresses = 10_000;

export interface Failures {
  /** Counts a failure. Seconds to wait where there were too many, else undefined. */
  add(address: string): number | undefined;
}

export function createFailures(clock: Clock): Failures {
  const windows = new Map<string, { readonly endMs: number; count: number }>();
  return {
    add(address) {
      const nowMs = clock.now().monotonicMs;
      const group = addressGroup(address);
      const open = windows.get(group);
      if (open === undefined || open.endMs <= nowMs) {
        windows.delete(group); // so that it becomes the latest
        windows.set(group, { endMs: nowMs + windowMs, count: 1 });
        const [oldest] = windows.keys();
        if (windows.size > mostAddresses && oldest !== undefined) windows.delete(oldest);
        return undefined;
      }
      open.count += 1;
      return open.count > mostFailures ? Math.ceil((open.endMs - nowMs) / 1000) : undefined;
    },
  };
}

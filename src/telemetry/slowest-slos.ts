import type { SloCatalogue } from '../catalogue/ports.ts';

/** How long the latest evaluations of one SLO took. */
export interface SlowSlo {
  readonly sloID: string;
  /** Of its latest evaluations, at most 20. */
  readonly p95Ms: number;
  readonly maxMs: number;
  readonly latestMs: number;
}

/** Evaluations kept of each SLO: ten thousand SLOs have to fit into a few megabytes. */
const kept = 20;

interface Latest {
  readonly durationsMs: number[];
  next: number;
}

/** Which SLOs take longest to evaluate, by the 95th percentile of their latest evaluations. */
export function createSlowestSlos(catalogue: Pick<SloCatalogue, 'onChange'>) {
  const bySlo = new Map<string, Latest>();
  catalogue.onChange(({ removed }) => {
    for (const id of removed) bySlo.delete(id);
  });
  return {
    record(sloId: string, durationMs: number): void {
      let latest = bySlo.get(sloId);
      if (latest === undefined) bySlo.set(sloId, (latest = { durationsMs: [], next: 0 }));
      latest.durationsMs[latest.next] = durationMs;
      latest.next = (latest.next + 1) % kept;
    },
    top(count: number): SlowSlo[] {
      const all = [...bySlo].map(([sloID, latest]) => describe(sloID, latest));
      return all.sort((a, b) => b.p95Ms - a.p95Ms).slice(0, count);
    },
  };
}

function describe(sloID: string, { durationsMs, next }: Latest): SlowSlo {
  const sorted = durationsMs.toSorted((a, b) => a - b);
  const p95 = sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0;
  const latest = durationsMs[(next + kept - 1) % kept] ?? 0;
  return { sloID, p95Ms: rounded(p95), maxMs: rounded(sorted.at(-1) ?? 0), latestMs: rounded(latest) };
}

const rounded = (ms: number) => Math.round(ms * 1000) / 1000;

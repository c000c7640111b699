/**
 * Keeps faults from becoming storms: repetitions, splits and fall-backs are extra requests, and they are granted only
 * up to the number of first requests of the last ten seconds, and forty more. As a failing evaluation is repeated at
 * most twice as often as a healthy one at first, and less later, that is within four times the healthy requests and
 * five a second.
 */
export interface RequestBudget {
  /** Counts a first request; it is never refused. */
  first(): void;
  /** Takes so many extra requests, all or none. */
  takeExtra(count: number): boolean;
}

const spanMs = 10_000;
const freeExtras = 40;
// The span is counted in slices of a tenth of a second, one more than it has, so that it is never cut short.
const sliceMs = 100;

export function createRequestBudget(monotonicMs: () => number): RequestBudget {
  const slices = new Map<number, { first: number; extra: number }>();

  const current = () => {
    const slice = Math.floor(monotonicMs() / sliceMs);
    const oldest = slice - spanMs / sliceMs;
    for (const past of slices.keys()) {
      if (past >= oldest) break;
      slices.delete(past);
    }
    const counted = slices.get(slice) ?? { first: 0, extra: 0 };
    slices.set(slice, counted);
    return counted;
  };

  return {
    first() {
      current().first += 1;
    },
    takeExtra(count) {
      const now = current();
      let room = freeExtras;
      for (const { first, extra } of slices.values()) room += first - extra;
      if (count > room) return false;
      now.extra += count;
      return true;
    },
  };
}

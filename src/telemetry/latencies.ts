import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** Latencies of many, as numbers; null where there was none. */
export interface LatencyReport {
  readonly count: number;
  readonly perSecond: number;
  /** Share of those that failed, 0 to 1. */
  readonly errorRate: number | null;
  readonly latencyMs: Readonly<Record<'p50' | 'p90' | 'p95' | 'p99' | 'max', number | null>>;
}

/** Latencies of the last minutes, or since the start, of several sources at once. */
export interface LatencySum {
  add(part: Part): void;
  report(seconds: number): LatencyReport;
}

interface Part {
  readonly histogram: RecordableHistogram;
  readonly errors: number;
}

interface Minute {
  index: number;
  readonly histogram: RecordableHistogram;
  errors: number;
}

const minuteMs = 60_000;
/** The minute that is under way, and the five before it. */
const minutesKept = 6;

/** HDR histograms of microseconds, 28 KiB each, exact to one percent and up to ten minutes. */
const newHistogram = () => createHistogram({ lowest: 1, highest: 600_000_000, figures: 2 });

/** Latencies of one kind. Recording costs one histogram's record; adding up is left to whoever asks. */
export interface Latencies {
  record(durationMs: number, isError: boolean): void;
  addRecentTo(sum: LatencySum): void;
  addAllTo(sum: LatencySum): void;
}

export function createLatencies(monotonicMs: () => number): Latencies {
  const minutes = new Map<number, Minute>();
  // What is older than the minutes that are kept.
  const earlier = { histogram: newHistogram(), errors: 0 };
  let current: Minute | undefined;

  function minuteOf(index: number): Minute {
    let minute = minutes.get(index % minutesKept);
    if (minute === undefined) {
      minute = { index, histogram: newHistogram(), errors: 0 };
      minutes.set(index % minutesKept, minute);
    } else if (minute.index !== index) {
      earlier.histogram.add(minute.histogram);
      earlier.errors += minute.errors;
      minute.histogram.reset();
      minute.errors = 0;
      minute.index = index;
    }
    return minute;
  }

  return {
    record(durationMs, isError) {
      const index = Math.floor(monotonicMs() / minuteMs);
      if (current?.index !== index) current = minuteOf(index);
      current.histogram.record(Math.min(Math.max(Math.round(durationMs * 1000), 1), 600_000_000));
      if (isError) current.errors += 1;
    },
    addRecentTo(sum) {
      const oldest = Math.floor(monotonicMs() / minuteMs) - minutesKept + 1;
      for (const minute of minutes.values()) if (minute.index >= oldest) sum.add(minute);
    },
    addAllTo(sum) {
      sum.add(earlier);
      for (const minute of minutes.values()) sum.add(minute);
    },
  };
}

/** How many seconds `addRecentTo` looks back on: five minutes, and as much of the sixth as has passed. */
export function recentSeconds(monotonicMs: number, startedMs: number): number {
  const back = (minutesKept - 1) * minuteMs + (monotonicMs % minuteMs);
  return Math.min(back, monotonicMs - startedMs) / 1000;
}

export function createLatencySum(): LatencySum {
  const all = newHistogram();
  let errors = 0;
  return {
    add(part) {
      all.add(part.histogram);
      errors += part.errors;
    },
    report(seconds) {
      const { count } = all;
      const at = (percentile: number) => (count === 0 ? null : all.percentile(percentile) / 1000);
      return {
        count,
        perSecond: seconds > 0 ? Math.round((count / seconds) * 1000) / 1000 : 0,
        errorRate: count === 0 ? null : errors / count,
        latencyMs: { p50: at(50), p90: at(90), p95: at(95), p99: at(99), max: count === 0 ? null : all.max / 1000 },
      };
    },
  };
}

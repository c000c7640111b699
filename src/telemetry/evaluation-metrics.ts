import { Counter, type Registry } from 'prom-client';
import type { SloCatalogue } from '../catalogue/ports.ts';
import type { Evaluation } from '../policy/decision-source.ts';
import { failuresOf } from '../policy/data-items.ts';
import { createBuckets, observe, ReadHistogram } from './buckets.ts';
import { createLatencies } from './latencies.ts';
import { createSlowestSlos } from './slowest-slos.ts';

// From a tick of a timer to an interval: a quarter of a second is what a source that keeps up has to be asked within.
const latenessBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 8, 10];

interface Outcome {
  readonly outcome: 'ok' | 'no_data' | 'failed';
  readonly reason: string;
}

/** Evaluations, counted like requests. */
export function addEvaluationMetrics(registers: Registry[], catalogue: SloCatalogue, monotonicMs: () => number) {
  const counted = new Map<string, Outcome & { count: number }>();
  const seconds = createBuckets(bounds);
  const lateness = createBuckets(latenessBounds);
  const latencies = createLatencies(monotonicMs);
  const slowest = createSlowestSlos(catalogue);

  new Counter({
    name: 'aegis_evaluations_total',
    help: 'Evaluations by outcome: ok, no_data, failed; reason of the first failed query.',
    labelNames: ['outcome', 'reason'],
    registers,
    collect() {
      this.reset();
      for (const { outcome, reason, count } of counted.values()) this.inc({ outcome, reason }, count);
    },
  });
  new ReadHistogram(registers, {
    name: 'aegis_evaluation_duration_seconds',
    help: 'Time from asking for an evaluation to its decision, the queue included.',
    labelNames: [],
    bounds,
    read: () => [[{}, seconds]],
  });
  new ReadHistogram(registers, {
    name: 'aegis_evaluation_slot_lateness_seconds',
    help: 'How long after its slot a scheduled evaluation asked the source, the queue included; repetitions of failed ones have no slot.',
    labelNames: [],
    bounds: latenessBounds,
    read: () => [[{}, lateness]],
  });

  return {
    onEvaluated(evaluation: Evaluation, durationMs: number): void {
      const { outcome, reason } = outcomeOf(evaluation);
      const key = `${outcome} ${reason}`;
      const before = counted.get(key);
      if (before === undefined) counted.set(key, { outcome, reason, count: 1 });
      else before.count += 1;
      observe(seconds, durationMs / 1000);
      latencies.record(durationMs, outcome === 'failed');
      slowest.record(evaluation.slo.id, durationMs);
    },
    onSlotTaken: (latenessMs: number) => observe(lateness, latenessMs / 1000),
    latencies,
    slowest,
  };
}

function outcomeOf({ slo, measurement }: Evaluation): Outcome {
  const [failed] = failuresOf(slo, measurement);
  if (failed !== undefined) return { outcome: 'failed', reason: failed.failure.reason };
  const isEmpty = measurement.windows.some((window) => window.state === 'noData');
  return { outcome: isEmpty ? 'no_data' : 'ok', reason: '' };
}

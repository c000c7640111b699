import { windowsOf, type Slo } from '../slo/model.ts';
import type { Failure, FailureReason, Measurement } from './measurement.ts';

/** The measurement of an evaluation in which nothing could be asked: every window failed, for the one reason. */
export function unmeasured(slo: Slo, evaluatedAtMs: number, reason: FailureReason, detail: string): Measurement {
  const failure: Failure = { role: 'good', reason, detail, attempts: 0 };
  return {
    evaluatedAtMs,
    windows: windowsOf(slo).map((window) => ({ state: 'failed', failure, window, readAtMs: evaluatedAtMs })),
    freshness: { state: 'failed', failure: { ...failure, role: 'freshness' } },
    points: { state: 'failed', failure: { ...failure, role: 'points' } },
    coverage: { state: 'failed', failure: { ...failure, role: 'coverage' } },
    clockSkewMs: null,
    warnings: [],
    infos: [],
    notes: [],
  };
}

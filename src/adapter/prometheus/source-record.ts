import type { Clock } from '../../clock.ts';
import type { SourceHealth } from '../../eval/source-control.ts';
import type { Outcome } from './client.ts';

/** What came of the requests so far, for those who ask how the source is. */
export interface SourceRecord {
  asked(outcome: Outcome, durationMs: number): void;
  readonly health: () => SourceHealth;
}

export function createSourceRecord(clock: Clock): SourceRecord {
  let health: SourceHealth = { lastSuccessMs: null, lastFailureMs: null, lastError: null, latencyMs: null };
  return {
    asked(outcome, durationMs) {
      const nowMs = clock.now().wallMs;
      health =
        outcome.kind === 'answer'
          ? { ...health, lastSuccessMs: nowMs, lastError: null, latencyMs: durationMs }
          : { ...health, lastFailureMs: nowMs, lastError: `${outcome.failure.reason}: ${outcome.failure.detail}` };
    },
    health: () => health,
  };
}

import type { DecisionSource, Evaluation, Served } from '../../src/policy/decision-source.ts';
import { servedAfter } from './evaluation.ts';

export interface FakeDecisions extends DecisionSource {
  /** What `current` answers from here on. */
  set(evaluation: Evaluation, ageMs?: number): void;
  /** What `evaluateNow` does from here on; until then it answers what `current` does, as audited. */
  onEvaluate(evaluate: (sloId: string, reason: 'forced' | 'first') => Promise<Served | undefined>): void;
  /** The calls of `evaluateNow`: `api-availability forced`. */
  readonly asked: readonly string[];
}

/** A decision source in memory. */
export function fakeDecisions(): FakeDecisions {
  const served = new Map<string, Served>();
  const asked: string[] = [];
  let evaluate = (sloId: string): Promise<Served | undefined> => {
    const current = served.get(sloId);
    return Promise.resolve(current && { ...current, audited: true });
  };
  return {
    asked,
    set: (evaluation, ageMs = 0) => served.set(evaluation.slo.id, servedAfter(evaluation, ageMs)),
    onEvaluate: (next) => (evaluate = next as typeof evaluate),
    current: (sloId) => served.get(sloId),
    evaluateNow: (sloId, reason) => {
      asked.push(`${sloId} ${reason}`);
      return (evaluate as DecisionSource['evaluateNow'])(sloId, reason);
    },
  };
}

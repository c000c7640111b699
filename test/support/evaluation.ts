import type { Measurement, WindowState } from '../../src/eval/measurement.ts';
import { verdictOn } from '../../src/policy/decide.ts';
import type { Evaluation, Served } from '../../src/policy/decision-source.ts';
import type { BlockingRule } from '../../src/policy/gate-result.ts';
import { windowsOf, type Slo } from '../../src/slo/model.ts';
import { anSlo } from './slo.ts';

export const noon = Date.UTC(2026, 10, 20, 12, 0, 0);

const healthyWindow: WindowState = { state: 'ok', good: 99_950, total: 100_000, goodMissing: false };

/** A complete, fresh measurement in which each window is `healthyWindow` unless named. */
export function aMeasurement(
  slo: Slo,
  windows: Readonly<Record<string, WindowState>> = {},
  rest: Partial<Measurement> = {},
): Measurement {
  return {
    evaluatedAtMs: noon,
    windows: windowsOf(slo).map((window) => ({
      ...(windows[window.name] ?? windows['*'] ?? healthyWindow),
      window,
      readAtMs: rest.evaluatedAtMs ?? noon,
    })),
    freshness: { state: 'ok', ages: [{ metric: 'http_requests_total', ageMs: 5_000 }] },
    points: { state: 'ok', value: 600 },
    coverage: { state: 'ok', value: 1 },
    clockSkewMs: 0,
    warnings: [],
    infos: [],
    notes: [],
    ...rest,
  };
}

let count = 0;

/** An evaluation as the scheduler makes it; each has an id of its own. */
export function anEvaluation(
  options: { slo?: Slo; measurement?: Measurement; evaluatedAtMs?: number; previous?: Evaluation['previous'] } = {},
): Evaluation {
  const slo = options.slo ?? anSlo();
  const wallMs = options.evaluatedAtMs ?? options.measurement?.evaluatedAtMs ?? noon;
  const measurement = options.measurement ?? aMeasurement(slo, {}, { evaluatedAtMs: wallMs });
  const previous = options.previous ?? [];
  const evaluatedAt = { wallMs, monotonicMs: wallMs - noon };
  const result = verdictOn(slo, measurement, previous);
  count += 1;
  return {
    id: `0193${count.toString(16).padStart(4, '0')}-0000-7000-8000-000000000000`,
    slo,
    specHash: 'a'.repeat(64),
    evaluatedAt,
    adapter: 'prometheus',
    measurement,
    previous,
    result,
    blocks: result.blocking.map((block) => {
      const measuredAt = { wallMs: wallMs - block.ageMs, monotonicMs: evaluatedAt.monotonicMs - block.ageMs };
      return {
        rule: block.rule,
        reason: block.reason,
        measuredAt: previous.includes(block) ? measuredAt : evaluatedAt,
      };
    }),
    kept: null,
  };
}

/** An evaluation as it is served so much later, by a clock that nobody set. */
export function servedAfter(evaluation: Evaluation, ageMs: number): Served {
  const { heldBlockAgeMs } = evaluation.result;
  return { evaluation, ageMs, ...(heldBlockAgeMs !== undefined && { heldBlockAgeMs: heldBlockAgeMs + ageMs }) };
}

/** The rules that an evaluation blocks by, as the next one is told of them so much later. */
export function grownOlder(blocking: readonly BlockingRule[], byMs: number): readonly BlockingRule[] {
  return blocking.map((rule) => ({ ...rule, ageMs: rule.ageMs + byMs }));
}

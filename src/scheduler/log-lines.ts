import type { Trace } from '../eval/trace.ts';
import type { Log } from '../log.ts';
import type { Evaluation } from '../policy/decision-source.ts';
import { failuresOf } from '../policy/data-items.ts';

/** The lines of an evaluation. Operators grep for their words (docs/operations.md), so they stay as they are. */
export function logEvaluation(
  log: Log,
  { slo, measurement, result, id }: Evaluation,
  durationMs: number,
  { traceId, spanId }: Trace,
): void {
  const fields = { component: 'scheduler', slo_id: slo.id, trace_id: traceId, span_id: spanId };
  const [failed, ...more] = failuresOf(slo, measurement);
  if (failed !== undefined) {
    const { role, reason, attempts, detail } = failed.failure;
    const window = failed.window === undefined ? '' : ` (window=${failed.window})`;
    log.error(
      `Error evaluating SLO ${slo.id}: query ${role} metrics${window}: ` +
        `query failed after ${attempts} attempts: ${reason}: ${detail}`,
      { ...fields, reason, failed_queries: more.length + 1 },
    );
  }
  const sli = result.sli.value === null ? 'n/a' : result.sli.value.toFixed(4);
  log.info(`Evaluated SLO ${slo.id}: decision=${result.decision}, SLI=${sli}`, {
    ...fields,
    decision: result.decision,
    evaluation_id: id,
    duration_ms: Math.round(durationMs),
    reasons: result.items.map((item) => item.reason),
  });
}

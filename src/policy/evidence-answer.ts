import { reaches } from '../eval/arithmetic.ts';
import type { Failure, Gauge, Measurement, SentQuery, WindowMeasurement } from '../eval/measurement.ts';
import type { Decision } from '../slo/decision.ts';
import type { Slo, SloDocument } from '../slo/model.ts';
import { decide } from './decide.ts';
import type { EvidenceForm } from './evidence-form.ts';
import { evidenceForm } from './evidence.ts';
import type { BlockingRule, GateResult, RuleResult } from './gate-result.ts';

/** One evaluation, recorded or current, with what its decision was made of. */
export interface EvaluationEvidence {
  readonly evaluationId: string;
  readonly slo: Slo;
  readonly specHash: string | null;
  readonly softwareVersion: string;
  readonly adapter: 'prometheus' | 'synthetic';
  readonly measurement: Measurement;
  readonly previous: readonly BlockingRule[];
  readonly queries: readonly SentQuery[];
  /** As decided then. */
  readonly decision: Decision;
  readonly reasons: readonly string[];
}

/** The body of `GET /v1/evaluations/{id}` (docs/api.md): every number with its query, its instant and its arithmetic. */
export interface EvaluationAnswer {
  readonly evaluationID: string;
  readonly sloID: string;
  readonly timestamp: string;
  readonly decision: Decision;
  readonly reasons: readonly string[];
  /** What the policy of this software makes of the same measurements; differs from `decision` only across versions. */
  readonly recomputed: { readonly decision: Decision; readonly reasons: readonly string[] };
  readonly softwareVersion: string;
  readonly adapter: string;
  readonly specHash: string | null;
  readonly objective: number;
  readonly errorBudget: number;
  readonly sli: GateResult['sli'];
  readonly windows: readonly WindowEvidence[];
  readonly rules: readonly (RuleResult & { readonly arithmetic: string })[];
  readonly freshness: readonly { readonly metric: string; readonly ageSeconds: number | null }[] | FailureAnswer;
  readonly dataPoints: number | null | FailureAnswer;
  readonly coverage: number | null | FailureAnswer;
  readonly clockSkewSeconds: number | null;
  readonly warnings: readonly string[];
  readonly notes: readonly string[];
  readonly queries: readonly SentQuery[];
  readonly slo: SloDocument;
  /** The measurement as the audit keeps it: with `slo`, all that another program needs to decide again. */
  readonly evidence: EvidenceForm;
}

interface WindowEvidence {
  readonly window: string;
  readonly state: 'ok' | 'noData' | 'failed';
  /** Of the queries; RFC 3339 UTC. */
  readonly readAt: string;
  readonly good: number | null;
  readonly total: number | null;
  readonly value: number | null;
  readonly errorRate: number | null;
  readonly burnRate: number | null;
  readonly cause?: string;
  readonly failure?: FailureAnswer;
}

interface FailureAnswer {
  readonly query: string;
  readonly reason: string;
  readonly detail: string;
  readonly attempts: number;
}

export function evaluationAnswer(evidence: EvaluationEvidence): EvaluationAnswer {
  const { slo, measurement } = evidence;
  const result = decide(slo, measurement, evidence.previous);
  return {
    evaluationID: evidence.evaluationId,
    sloID: slo.id,
    timestamp: rfc3339(measurement.evaluatedAtMs),
    decision: evidence.decision,
    reasons: evidence.reasons,
    recomputed: { decision: result.decision, reasons: result.items.map((item) => item.reason) },
    softwareVersion: evidence.softwareVersion,
    adapter: evidence.adapter,
    specHash: evidence.specHash,
    objective: slo.objective,
    errorBudget: slo.errorBudget,
    sli: result.sli,
    windows: measurement.windows.map((window) => windowEvidence(window, result)),
    rules: result.rules.map((rule) => ({ ...rule, arithmetic: arithmeticOf(rule, result) })),
    freshness:
      measurement.freshness.state === 'ok'
        ? measurement.freshness.ages.map(({ metric, ageMs }) => ({
            metric,
            ageSeconds: ageMs === null ? null : ageMs / 1000,
          }))
        : failureAnswer(measurement.freshness.failure),
    dataPoints: gaugeAnswer(measurement.points),
    coverage: gaugeAnswer(measurement.coverage),
    clockSkewSeconds: measurement.clockSkewMs === null ? null : measurement.clockSkewMs / 1000,
    warnings: measurement.warnings,
    notes: result.notes,
    queries: evidence.queries,
    slo: slo.document,
    evidence: evidenceForm(evidence, evidence.softwareVersion),
  };
}

function windowEvidence(measured: WindowMeasurement, result: GateResult): WindowEvidence {
  const numbers = result.windows.find(({ window }) => window.name === measured.window.name);
  return {
    window: measured.window.name,
    state: measured.state,
    readAt: rfc3339(measured.readAtMs),
    good: measured.state === 'ok' && !measured.goodMissing ? measured.good : null,
    total: measured.state === 'ok' ? measured.total : null,
    value: numbers?.value ?? null,
    errorRate: numbers?.errorRate ?? null,
    burnRate: numbers?.burnRate ?? null,
    ...(measured.state === 'noData' && { cause: measured.cause }),
    ...(measured.state === 'failed' && { failure: failureAnswer(measured.failure) }),
  };
}

/** The rule's comparison in words that can be checked by hand: `5m: 14.00x >= 14.00x, 1h: not measured`. */
export function arithmeticOf(rule: RuleResult, result: GateResult): string {
  const side = (name: string) => {
    const window = result.windows.find((candidate) => candidate.window.name === name);
    if (window?.state !== 'ok' || window.burnRate === null) return `${name}: not measured`;
    const sign = reaches(window.burnRate, rule.threshold) ? '>=' : '<';
    return `${name}: ${window.burnRate.toFixed(2)}x ${sign} ${rule.threshold.toFixed(2)}x`;
  };
  return `${side(rule.shortWindow)}, ${side(rule.longWindow)}`;
}

function gaugeAnswer(gauge: Gauge): number | null | FailureAnswer {
  if (gauge.state === 'failed') return failureAnswer(gauge.failure);
  return gauge.state === 'ok' ? gauge.value : null;
}

function failureAnswer({ role, reason, detail, attempts }: Failure): FailureAnswer {
  return { query: role, reason, detail, attempts };
}

function rfc3339(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

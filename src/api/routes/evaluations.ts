import { Type } from 'typebox';
import { AegisError } from '../../errors.ts';
import type { EvaluationAnswer } from '../../policy/evidence-answer.ts';
import type { Evaluation } from '../../policy/decision-source.ts';
import type { StoredEvaluation } from '../../storage/ports.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { refuseOtherSlos } from '../slo-sight.ts';
import {
  DecisionSchema,
  ExplainedRuleSchema,
  failure,
  NumberOrNull,
  SliSchema,
  StringOrNull,
  Timestamp,
} from '../schemas.ts';

/** What can be told of a row without evidence: those of the Go original. */
interface BareEvaluation {
  readonly evaluationID: string;
  readonly sloID: string;
  readonly timestamp: string;
  readonly decision: EvaluationAnswer['decision'];
  readonly reasons: readonly string[];
  readonly notes: readonly string[];
}

const Failure = Type.Object({
  query: Type.String(),
  reason: Type.String(),
  detail: Type.String(),
  attempts: Type.Number(),
});

const NumberOrFailure = Type.Union([Type.Number(), Type.Null(), Failure]);
const Texts = Type.Array(Type.String());

const Window = Type.Object({
  window: Type.String(),
  state: Type.Enum(['ok', 'noData', 'failed']),
  readAt: Timestamp,
  good: NumberOrNull,
  total: NumberOrNull,
  value: NumberOrNull,
  errorRate: NumberOrNull,
  burnRate: NumberOrNull,
  cause: Type.Optional(Type.String()),
  failure: Type.Optional(Failure),
});

const Evidence = Type.Unsafe<EvaluationAnswer | BareEvaluation>(
  Type.Object(
    {
      evaluationID: Type.String(),
      sloID: Type.String(),
      timestamp: Timestamp,
      decision: DecisionSchema,
      reasons: Texts,
      notes: Texts,
      recomputed: Type.Optional(Type.Object({ decision: DecisionSchema, reasons: Texts })),
      softwareVersion: Type.Optional(Type.String()),
      adapter: Type.Optional(Type.String()),
      specHash: Type.Optional(StringOrNull),
      objective: Type.Optional(Type.Number()),
      errorBudget: Type.Optional(Type.Number()),
      sli: Type.Optional(SliSchema),
      windows: Type.Optional(Type.Array(Window)),
      rules: Type.Optional(Type.Array(ExplainedRuleSchema)),
      freshness: Type.Optional(
        Type.Union([Type.Array(Type.Object({ metric: Type.String(), ageSeconds: NumberOrNull })), Failure]),
      ),
      dataPoints: Type.Optional(NumberOrFailure),
      coverage: Type.Optional(NumberOrFailure),
      clockSkewSeconds: Type.Optional(NumberOrNull),
      warnings: Type.Optional(Texts),
      queries: Type.Optional(
        Type.Array(Type.Object({ role: Type.String(), window: Type.Optional(Type.String()), promql: Type.String() })),
      ),
      slo: Type.Optional(Type.Object({}, { description: 'The SLO as it stood.' })),
      evidence: Type.Optional(
        Type.Object({}, { description: 'The measurement as the audit keeps it, for `aegis replay`.' }),
      ),
    } satisfies Record<keyof EvaluationAnswer, unknown>,
    { description: 'The evidence of one evaluation; rows of the Go original have none.' },
  ),
);

type Deps = Pick<ApiDeps, 'audit' | 'catalogue' | 'decisions' | 'explain' | 'explainServed'>;

export function evaluationRoutes(app: Api, deps: Deps): void {
  app.route({
    method: 'GET',
    url: '/v1/evaluations/:id',
    config: { access: ['read'], perSlo: true, work: 'audit' },
    schema: {
      operationId: 'getEvaluation',
      summary: 'The evidence of one evaluation',
      tags: ['audit'],
      params: Type.Object({ id: Type.String({ description: 'The evaluationID of a decision or record.' }) }),
      response: { 200: Evidence, 404: failure[404], 414: failure[414], 500: failure[500], 503: failure[503] },
    },
    handler: async (request) => {
      const { id } = request.params;
      const snapshot = deps.catalogue.current();
      const current = currentEvaluation(deps, id);
      if (current !== undefined) {
        refuseOtherSlos(request, snapshot, current.slo.id);
        return deps.explainServed(current);
      }
      const stored = await deps.audit.get(id);
      if (stored === null) throw new AegisError('unknown_evaluation', `evaluation not found: ${id}`);
      refuseOtherSlos(request, snapshot, stored.sloId);
      return deps.explain(stored) ?? bare(stored);
    },
  });
}

/** The latest evaluation of an SLO is known here, also while its row waits for a locked database. */
function currentEvaluation({ catalogue, decisions }: Deps, evaluationId: string): Evaluation | undefined {
  for (const sloId of catalogue.current().slos.keys()) {
    const evaluation = decisions.current(sloId)?.evaluation;
    if (evaluation?.id === evaluationId) return evaluation;
  }
  return undefined;
}

function bare({ evaluationId, sloId, evaluatedAtMs, decision, reasons }: StoredEvaluation): BareEvaluation {
  return {
    evaluationID: evaluationId,
    sloID: sloId,
    timestamp: new Date(evaluatedAtMs).toISOString(),
    decision,
    reasons,
    notes: ['no evidence was kept for this evaluation'],
  };
}

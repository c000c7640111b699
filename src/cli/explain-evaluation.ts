import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { queryRoles } from '../eval/measurement.ts';
import type { Measurement, SentQuery } from '../eval/measurement.ts';
import { decide } from '../policy/decide.ts';
import { decodeEvidence } from '../policy/evidence.ts';
import type { BlockingRule, GateResult } from '../policy/gate-result.ts';
import { decisions, type Decision } from '../slo/decision.ts';
import type { Slo } from '../slo/model.ts';
import { parseSloFile } from '../slo/parse.ts';
import { parseObject } from './gate-answer.ts';
import type { ServerRequest } from './server-client.ts';

/** An evaluation as the server recorded it, and what the policy of this program makes of the same measurement. */
export interface RecordedEvaluation {
  readonly evaluationId: string;
  readonly sloId: string;
  /** RFC 3339 UTC. */
  readonly timestamp: string;
  readonly decision: Decision;
  readonly reasons: readonly string[];
  /** Absent where there is nothing to explain by; `why` says so. */
  readonly evidence: Evidence | { readonly why: string };
  /** As the server sent it. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Evidence {
  readonly slo: Slo;
  readonly specHash: string | null;
  /** Of the server that decided. */
  readonly softwareVersion: string;
  readonly adapter: 'prometheus' | 'synthetic';
  readonly measurement: Measurement;
  readonly previous: readonly BlockingRule[];
  readonly queries: readonly SentQuery[];
  /** Decided here, by this program. */
  readonly result: GateResult;
}

const Texts = Type.Array(Type.String());

const Answer = Type.Object({
  evaluationID: Type.String(),
  sloID: Type.String(),
  timestamp: Type.String(),
  decision: Type.Enum([...decisions]),
  reasons: Texts,
  specHash: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  queries: Type.Optional(
    Type.Array(
      Type.Object({
        role: Type.Enum([...queryRoles]),
        window: Type.Optional(Type.String()),
        promql: Type.String(),
      }),
    ),
  ),
  evidence: Type.Optional(Type.Unknown()),
  slo: Type.Optional(Type.Unknown()),
});

/** The evidence of an SLO of fifty rules with the longest queries has 4 MB. */
export const longestEvidenceBytes = 8 * 1024 * 1024;

export function evaluationRequest(evaluationId: string): ServerRequest<RecordedEvaluation> {
  return {
    method: 'GET',
    path: `/v1/evaluations/${encodeURIComponent(evaluationId)}`,
    what: 'evaluation',
    read: (text) => readEvaluation(text, evaluationId),
  };
}

/** Reads the body of `GET /v1/evaluations/{id}`. A text: why it is no evaluation, or another one. */
function readEvaluation(text: string, evaluationId: string): RecordedEvaluation | string {
  const body = parseObject(text);
  if (body === undefined) return 'it is not a JSON object';
  if (!Value.Check(Answer, body)) {
    const [fault] = Value.Errors(Answer, body);
    return fault === undefined ? 'it has another form' : `${fault.instancePath || 'it'} ${fault.message}`;
  }
  if (body.evaluationID !== evaluationId) return `it is about another evaluation: ${body.evaluationID}`;
  const { sloID: sloId, timestamp, decision, reasons } = body;
  return { evaluationId, sloId, timestamp, decision, reasons, evidence: evidenceOf(body), body: { ...body } };
}

/** The evidence is read anew, and decided on, here: nothing that the server concluded from it is believed. */
function evidenceOf(answer: Type.Static<typeof Answer>): RecordedEvaluation['evidence'] {
  if (answer.evidence === undefined || answer.slo === undefined)
    return { why: 'no evidence was kept for this evaluation' };
  const [parsed] = parseSloFile(JSON.stringify(answer.slo), 'slo').slos;
  if (parsed?.slo.id !== answer.sloID) return { why: 'its SLO cannot be read by this version of aegis' };
  const { slo } = parsed;
  const decoded = decodeEvidence(JSON.stringify(answer.evidence), slo);
  if (decoded === null) return { why: 'its evidence has a form that this version of aegis does not know' };
  return {
    ...decoded,
    slo,
    specHash: answer.specHash ?? null,
    queries: (answer.queries ?? []).map(({ role, window, promql }) => ({
      role,
      promql,
      ...(window !== undefined && { window }),
    })),
    result: decide(slo, decoded.measurement, decoded.previous),
  };
}

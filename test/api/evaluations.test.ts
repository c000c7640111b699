import { describe, expect, it } from 'vitest';
import { queriesAt } from '../../src/adapter/prometheus/query-plan.ts';
import type { Evaluation } from '../../src/policy/decision-source.ts';
import { explainServed } from '../../src/policy/explain.ts';
import { evaluationAnswer, type EvaluationAnswer } from '../../src/policy/evidence-answer.ts';
import type { StoredEvaluation } from '../../src/storage/ports.ts';
import { anApi } from '../support/api.ts';
import { anEvaluation, noon } from '../support/evaluation.ts';

const id = '01930000-0000-7000-8000-0000000000ff';

const row: StoredEvaluation = {
  evaluationId: id,
  sloId: 'api-availability',
  decision: 'WARN',
  reasons: ['data is stale'],
  evaluatedAtMs: noon,
  evidenceJson: '{}',
  documentJson: null,
  specHash: null,
};

describe('GET /v1/evaluations/{id}', () => {
  it('explains the latest evaluation though the database cannot be read', async () => {
    const { app, decisions, audit } = anApi();
    audit.breakDown();
    const evaluation = anEvaluation();
    decisions.set(evaluation);
    const answer = (await app.inject(`/v1/evaluations/${evaluation.id}`)).json<EvaluationAnswer>();
    expect(answer).toMatchObject({
      evaluationID: evaluation.id,
      sloID: 'api-availability',
      decision: 'ALLOW',
      softwareVersion: '0.2.0',
      specHash: evaluation.specHash,
      recomputed: { decision: 'ALLOW' },
    });
    expect(answer.windows.map(({ window }) => window)).toEqual(['30d', '5m', '1h', '6h']);
  });

  it('tells the queries of each window, also of one that was kept', async () => {
    const explainWith = (evaluation: Evaluation) => explainServed(evaluation, '0.2.0', queriesAt);
    const { app, decisions } = anApi({ deps: { explainServed: explainWith } });
    const evaluation = anEvaluation();
    decisions.set(evaluation);
    const { queries } = (await app.inject(`/v1/evaluations/${evaluation.id}`)).json<EvaluationAnswer>();
    const asked = queries.filter(({ role }) => role === 'total').map(({ window }) => window);
    expect(asked).toEqual(['30d', '5m', '1h', '6h']);
    expect(queries.find(({ role, window }) => role === 'good' && window === '30d')?.promql).toContain('[30d]');
  });

  it('answers what is explained of a stored row', async () => {
    const { id: evaluationId, slo, measurement } = anEvaluation();
    const explained = evaluationAnswer({
      ...{ evaluationId, slo, measurement, specHash: null, softwareVersion: '0.1.9', adapter: 'prometheus' },
      ...{ previous: [], queries: [], decision: 'ALLOW', reasons: ['all burn rate checks passed'] },
    });
    const { app, audit } = anApi({ deps: { explain: (stored) => (stored.evaluationId === id ? explained : null) } });
    audit.store(row);
    const answer = await app.inject(`/v1/evaluations/${id}`);
    expect(answer.json()).toEqual(JSON.parse(JSON.stringify(explained)));
  });

  it('says so where no evidence was kept', async () => {
    const { app, audit } = anApi();
    audit.store(row);
    expect((await app.inject(`/v1/evaluations/${id}`)).json()).toEqual({
      evaluationID: id,
      sloID: 'api-availability',
      timestamp: '2026-11-20T12:00:00.000Z',
      decision: 'WARN',
      reasons: ['data is stale'],
      notes: ['no evidence was kept for this evaluation'],
    });
  });

  it('answers 404 to an unknown id, and 503 where it cannot look', async () => {
    const { app, audit } = anApi();
    const unknown = await app.inject(`/v1/evaluations/${id}`);
    expect(unknown.statusCode).toBe(404);
    expect(unknown.json()).toMatchObject({ error: `evaluation not found: ${id}`, code: 'unknown_evaluation' });
    audit.breakDown();
    expect((await app.inject(`/v1/evaluations/${id}`)).statusCode).toBe(503);
  });
});

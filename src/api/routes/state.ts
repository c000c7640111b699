import { Type } from 'typebox';
import { AegisError } from '../../errors.ts';
import { stateOf, type StateAnswer, type StateQuestion } from '../../policy/state.ts';
import { slosOf } from '../catalogue-index.ts';
import { filesInErrorOf } from '../catalogue-questions.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { refuseOtherStates } from '../slo-sight.ts';
import { DecisionSchema, failure, ReasonCodes, StringOrNull } from '../schemas.ts';

const State = Type.Unsafe<StateAnswer>(
  Type.Object(
    {
      service: Type.String(),
      environment: Type.String(),
      decision: DecisionSchema,
      slos: Type.Array(Type.String()),
      decisions: Type.Record(Type.String(), DecisionSchema),
      reasonCodes: ReasonCodes,
      filesInError: Type.Array(Type.String(), {
        description: 'Files that declare this service and environment and did not load as they stand.',
      }),
      lastUpdated: StringOrNull,
    } satisfies Record<keyof StateAnswer, unknown>,
    { description: 'The worst decision of a service in one environment.' },
  ),
);

type StateDeps = Pick<ApiDeps, 'catalogue' | 'decisions' | 'recordDecision' | 'clock'>;

export function stateRoutes(app: Api, { catalogue, decisions, recordDecision, clock }: StateDeps): void {
  app.route({
    method: 'GET',
    url: '/v1/state/:service/:env',
    config: { access: ['read', 'decide'], perSlo: true },
    schema: {
      operationId: 'getState',
      summary: 'The worst decision of a service in one environment',
      tags: ['gate'],
      params: Type.Object({ service: Type.String(), env: Type.String() }),
      response: { 200: State, 404: failure[404], 414: failure[414], 500: failure[500] },
    },
    handler: (request) => {
      const { service, env } = request.params;
      const snapshot = catalogue.current();
      const filesInError = filesInErrorOf(snapshot, service, env);
      const concerned = slosOf(snapshot, service, env).map(({ slo }) => slo);
      refuseOtherStates(request, { service, environment: env, slos: concerned });
      const slos = concerned.map(({ id }) => ({ id, served: decisions.current(id) }));
      if (slos.length === 0 && filesInError.length === 0) {
        throw new AegisError('unknown_service', `no SLO found for service ${service} in environment ${env}`);
      }
      const answer = stateOf({ service, environment: env, slos, filesInError });
      if (request.method === 'HEAD') return answer; // which leaves without its body: nobody was told anything
      const told = decidingSlo(answer, slos);
      if (told?.served !== undefined) {
        recordDecision({
          atMs: clock.now().wallMs,
          sloId: told.id,
          decision: answer.decision,
          evaluationId: told.served.evaluation.id,
          wasForced: false,
          caller: request.identity.name,
          address: request.ip,
          requestId: request.id,
        });
      }
      return answer;
    },
  });
}

/**
 * The SLO whose evaluation stands for the answer in the audit: one whose decision is the worst. One row an answer, since
 * a service may have thousands of SLOs; undefined where none was evaluated.
 */
function decidingSlo(
  { decision, decisions }: StateAnswer,
  slos: StateQuestion['slos'],
): StateQuestion['slos'][number] | undefined {
  const evaluated = slos.filter(({ served }) => served !== undefined);
  return evaluated.find(({ id }) => decisions[id] === decision) ?? evaluated[0];
}

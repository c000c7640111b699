import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import type { CatalogueSnapshot } from '../../catalogue/ports.ts';
import { AegisError, messageOf } from '../../errors.ts';
import { answerOf, type DecisionAnswer } from '../../policy/answer.ts';
import { answerText, type AnswerText } from '../../policy/answer-text.ts';
import type { Served } from '../../policy/decision-source.ts';
import { unknownSlo } from '../catalogue-questions.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { quote } from '../invalid.ts';
import type { Limits } from '../limits/limits.ts';
import { sendText } from '../send-text.ts';
import { refuseOtherSlos } from '../slo-sight.ts';
import { traceFor } from '../trace.ts';
import { BurnRates, DecisionSchema, failure, ReasonCodes, RuleSchema, SliSchema, Timestamp } from '../schemas.ts';

const Body = Type.Object(
  {
    sloID: Type.String({ minLength: 1, description: 'a string' }),
    forceFresh: Type.Optional(Type.Boolean({ description: 'true or false' })),
  },
  { description: 'a JSON object', examples: [{ sloID: 'api-availability', forceFresh: false }] },
);

const Answer = Type.Unsafe<DecisionAnswer>(
  Type.Object(
    {
      decision: DecisionSchema,
      sloID: Type.String(),
      timestamp: Timestamp,
      ttl: Type.Number({ description: 'The evaluation interval in seconds.' }),
      sli: SliSchema,
      reasons: Type.Array(Type.String()),
      reasonCodes: ReasonCodes,
      burnRates: BurnRates,
      rules: Type.Array(RuleSchema),
      isStale: Type.Boolean(),
      hasNoTraffic: Type.Boolean(),
      evaluationID: Type.String(),
      evaluationInterval: Type.String(),
      age: Type.Number({ description: 'Seconds since the evaluation.' }),
      adapter: Type.String(),
      notes: Type.Array(Type.String()),
      audited: Type.Optional(
        Type.Boolean({
          description:
            'Of an evaluation made for this request: whether its audit row is committed. Never, on a replica.',
        }),
      ),
    } satisfies Record<keyof DecisionAnswer, unknown>,
    { description: 'The decision with its evidence.' },
  ),
);

/** A decision is asked for in a hundred bytes; what is larger is refused unread. */
const bodyLimitBytes = 64 * 1024;

/** Names of unknown fields that are told in an answer; a body of 64 KiB has room for thousands. */
const longestNamedFields = 10;

/** `POST /v1/gate/decision`. In a scope of its own, since it alone reads every body as JSON. */
export function decisionRoute(app: Api, { catalogue, decisions, recordDecision, clock, limits }: DecisionDeps): void {
  app.register((plain, _options, ready) => {
    const scope: Api = plain.withTypeProvider();
    scope.removeContentTypeParser('application/json');
    scope.addContentTypeParser(
      'application/json',
      { parseAs: 'string', bodyLimit: bodyLimitBytes },
      (_, text, done) => {
        try {
          done(null, parseJson(text.toString()));
        } catch (error) {
          done(new AegisError('invalid_json', `the body is not valid JSON: ${messageOf(error)}`));
        }
      },
    );
    scope.route({
      method: 'POST',
      url: '/v1/gate/decision',
      config: { access: ['decide'], perSlo: true },
      bodyLimit: bodyLimitBytes,
      schema: {
        operationId: 'decide',
        summary: 'Is it safe to deploy now?',
        description:
          'The body is read as JSON whatever its content type. Unknown fields are ignored, and named in `notes`.',
        tags: ['gate'],
        body: Body,
        response: {
          200: Answer,
          400: failure[400],
          404: failure[404],
          413: failure[413],
          500: failure[500],
          503: failure[503],
        },
      },
      // Plain `curl -d` says that its body is a form; even a `*` parser answers 415 to what is no content type at all.
      onRequest: (request, _reply, done) => {
        request.headers['content-type'] = 'application/json';
        done();
      },
      handler: (request, reply) => {
        const { body } = request;
        const snapshot = catalogue.current();
        refuseOtherSlos(request, snapshot, body.sloID);
        if (!snapshot.slos.has(body.sloID)) throw notServed(snapshot, body.sloID);
        request.about.sloId = body.sloID;
        // A forced evaluation is made, or refused: never answered with what was decided earlier.
        const served = body.forceFresh === true ? undefined : decisions.current(body.sloID);
        if (served === undefined) return evaluate(request, reply, body);
        answer(request, reply, body, served); // at once: a promise costs
        return undefined;
      },
    });
    ready();
  });

  /** Forced, or the first of an SLO. */
  async function evaluate(request: FastifyRequest, reply: FastifyReply, body: Asked): Promise<void> {
    const { sloID } = body;
    const served =
      body.forceFresh === true
        ? await limits.forced(request, reply, sloID, () => decisions.evaluateNow(sloID, 'forced', traceFor(request)))
        : await decisions.evaluateNow(sloID, 'first', traceFor(request));
    // It went while it was being evaluated.
    if (served === undefined) throw notServed(catalogue.current(), sloID);
    answer(request, reply, body, served);
  }

  function answer(request: FastifyRequest, reply: FastifyReply, body: Asked, served: Served): void {
    const { about } = request;
    const { decision, text } = textFor(body, served);
    about.evaluationId = served.evaluation.id;
    about.decision = decision;
    recordDecision({
      atMs: clock.now().wallMs,
      sloId: body.sloID,
      decision,
      evaluationId: served.evaluation.id,
      wasForced: body.forceFresh === true,
      caller: request.identity.name,
      address: about.client,
      requestId: request.id,
    });
    sendText(reply, text);
  }
}

type Asked = Static<typeof Body>;

function notServed(snapshot: CatalogueSnapshot, sloId: string): AegisError {
  return unknownSlo(snapshot, sloId, 'no evaluation found for SLO');
}

/** The usual answer is rendered already; one with notes on its request is written out. */
function textFor(body: Asked, served: Served): AnswerText {
  if (hasOnlyKnownFields(body)) return answerText(served);
  const answer = answerOf(served);
  return {
    decision: answer.decision,
    text: JSON.stringify({ ...answer, notes: [...answer.notes, ...ignoredFields(body)] }),
  };
}

function hasOnlyKnownFields(body: object): boolean {
  for (const name in body) if (!Object.hasOwn(Body.properties, name)) return false;
  return true;
}

type DecisionDeps = Pick<ApiDeps, 'catalogue' | 'decisions' | 'recordDecision' | 'clock'> & {
  readonly limits: Limits;
};

function parseJson(text: string): unknown {
  if (text === '') throw new Error('it is empty (expected {"sloID": "…"})');
  return JSON.parse(text);
}

function ignoredFields(body: object): readonly string[] {
  const unknown = Object.keys(body).filter((key) => !Object.hasOwn(Body.properties, key));
  const notes = unknown.slice(0, longestNamedFields).map((key) => `unknown field ${quote(key)} ignored`);
  const more = unknown.length - notes.length;
  return more > 0 ? [...notes, `${more} more unknown fields ignored`] : notes;
}

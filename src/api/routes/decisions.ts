import { Type, type Static } from 'typebox';
import type { CatalogueSnapshot } from '../../catalogue/ports.ts';
import { listedDecision, type ListedDecision } from '../../policy/standing-list.ts';
import { slosBehind } from '../catalogue-index.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { DecisionSchema, failure, NumberOrNull, ReasonCodes, StringOrNull } from '../schemas.ts';
import { decisionParameter, nameParameter, pageParameters } from './audit-query.ts';

const Query = Type.Object(
  {
    service: Type.Optional(nameParameter),
    environment: Type.Optional(nameParameter),
    decision: Type.Optional(decisionParameter),
    limit: pageParameters.limit,
    cursor: pageParameters.cursor,
  },
  { additionalProperties: false },
);

interface Page {
  readonly decisions: readonly ListedDecision[];
  readonly total: number;
  readonly nextCursor: string | null;
}

const Listed = Type.Object({
  sloID: Type.String(),
  service: Type.String(),
  environment: Type.String(),
  decision: DecisionSchema,
  reasons: Type.Array(Type.String()),
  reasonCodes: ReasonCodes,
  triggeredRules: Type.Array(Type.String(), { description: 'Names of the rules that burn.' }),
  budgetRemaining: NumberOrNull,
  evaluationInterval: Type.String(),
  ttl: Type.Number({ description: 'The evaluation interval in seconds.' }),
  evaluationID: StringOrNull,
  timestamp: StringOrNull,
  age: Type.Union([Type.Number(), Type.Null()], {
    description: 'Seconds since the evaluation; null where it was not evaluated yet.',
  }),
} satisfies Record<keyof ListedDecision, unknown>);

const Answer = Type.Unsafe<Page>(
  Type.Object(
    {
      decisions: Type.Array(Listed, { description: 'In the order of their ids.' }),
      total: Type.Number({ description: 'Number of decisions in this answer.' }),
      nextCursor: Type.Union([Type.String(), Type.Null()], { description: 'null on the last page.' }),
    } satisfies Record<keyof Page, unknown>,
    { description: 'A page of SLOs with the decision that would be answered now.' },
  ),
);

const defaultLimit = 100;

/** `GET /v1/decisions`: looks on. Nothing is evaluated for it, and nobody has been told to go on by it: no row is written. */
export function decisionsRoute(app: Api, { catalogue, decisions }: Pick<ApiDeps, 'catalogue' | 'decisions'>): void {
  app.route({
    method: 'GET',
    url: '/v1/decisions',
    config: { access: ['read', 'decide'], perSlo: true },
    schema: {
      operationId: 'listStandingDecisions',
      summary: 'All SLOs with their decision as it stands',
      description:
        'Of the SLOs that whoever asks may ask for. Nothing is evaluated and nothing is written to the audit: a pipeline asks `POST /v1/gate/decision`. `limit` is 100 unless given.',
      tags: ['gate'],
      querystring: Query,
      response: { 200: Answer, 400: failure[400], 500: failure[500] },
    },
    handler: ({ identity, query }) => {
      const limit = query.limit === undefined ? defaultLimit : Number(query.limit);
      const rows: ListedDecision[] = [];
      for (const { slo } of asked(catalogue.current(), query)) {
        if (!identity.maySee(slo)) continue;
        const row = listedDecision(slo, decisions.current(slo.id));
        if (query.decision !== undefined && row.decision !== query.decision) continue;
        rows.push(row);
        // One more than there is room for: there is a next page.
        if (rows.length > limit) break;
      }
      const page = rows.slice(0, limit);
      const nextCursor = rows.length > limit ? (page.at(-1)?.sloID ?? null) : null;
      return { decisions: page, total: page.length, nextCursor };
    },
  });
}

/** The SLOs of these names behind the cursor, which is the id of the last one told, in the order of their ids. */
function* asked(snapshot: CatalogueSnapshot, { service, environment, cursor }: Static<typeof Query>) {
  for (const loaded of slosBehind(snapshot, cursor)) {
    const { slo } = loaded;
    if (service !== undefined && slo.service !== service) continue;
    if (environment === undefined || slo.environment === environment) yield loaded;
  }
}

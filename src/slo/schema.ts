import { Type, type Static } from 'typebox';
import { decisions } from './decision.ts';

// The one schema of an SLO file. Every description completes "…is not allowed: " and "…is missing: ", and is shown
// by editors that use schemas/slo_v1.json, which `npm run schema` writes from here.

const map = { additionalProperties: false } as const;

const text = (least: number, most: number) =>
  Type.String({ minLength: least, maxLength: most, description: `text of ${least} to ${most} characters` });

const duration = (units: string, example: string) =>
  Type.String({
    pattern: `^0*[1-9][0-9]*(${units.replaceAll(' ', '|')})$`,
    description: `a whole number above 0 and a unit (${units.replaceAll(' ', ', ')}), like ${example}`,
  });

const window = () => duration('s m h d', '5m or 30d');
const interval = () => duration('s m h', '30s or 5m');

const texts = (description: string) =>
  Type.Record(Type.String(), Type.String({ description: 'text' }), { ...map, description });

const query = (what: string) =>
  Type.Object(
    {
      prometheusQuery: Type.String({
        minLength: 1,
        maxLength: 10_000,
        description: 'a PromQL query of 1 to 10000 characters, in which {{window}} stands for the window',
      }),
    },
    { ...map, description: `a map with prometheusQuery, the PromQL that counts ${what}` },
  );

const rule = Type.Object(
  {
    name: text(1, 128),
    shortWindow: window(),
    longWindow: window(),
    threshold: Type.Number({
      minimum: 0.0001,
      maximum: 100_000,
      description: 'a burn rate from 0.0001 to 100000',
    }),
    action: Type.Optional(
      Type.Enum([...decisions], { default: 'BLOCK', description: 'ALLOW, WARN or BLOCK (BLOCK where not given)' }),
    ),
  },
  { ...map, description: 'a map with name, shortWindow, longWindow and threshold' },
);

const metadata = Type.Object(
  {
    id: Type.String({
      minLength: 3,
      maxLength: 128,
      pattern: '^[a-zA-Z0-9][a-zA-Z0-9._-]*$',
      description: '3 to 128 letters, digits, dots, underscores and hyphens, a letter or digit first',
    }),
    service: text(1, 128),
    owner: Type.Optional(text(1, 128)),
    description: Type.Optional(Type.String({ maxLength: 2048, description: 'text of at most 2048 characters' })),
    labels: Type.Optional(texts('a map of texts')),
    annotations: Type.Optional(texts('a map of texts, such as links to runbooks')),
  },
  { ...map, description: 'a map with id and service' },
);

const sli = Type.Object(
  {
    type: Type.Enum(['availability', 'ratio', 'correctness', 'latency', 'latency_threshold'], {
      description: 'availability, ratio, correctness, latency or latency_threshold',
    }),
    thresholdMs: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 600_000,
        description: 'whole milliseconds from 1 to 600000, required with latency and latency_threshold',
      }),
    ),
    good: query('good events'),
    total: query('all events'),
  },
  {
    ...map,
    description: 'a map with type, good and total',
    if: { properties: { type: { enum: ['latency', 'latency_threshold'] } }, required: ['type'] },
    then: { required: ['thresholdMs'] },
  },
);

const gating = Type.Object(
  {
    minDataPoints: Type.Integer({ minimum: 1, maximum: 1000, description: 'a whole number from 1 to 1000' }),
    stalenessLimit: interval(),
    minCoverage: Type.Optional(Type.Number({ minimum: 0, maximum: 1, description: 'a ratio from 0 to 1' })),
    noTraffic: Type.Optional(
      Type.Enum([...decisions], { default: 'WARN', description: 'ALLOW, WARN or BLOCK (WARN where not given)' }),
    ),
    freshnessSelector: Type.Optional(
      Type.String({ minLength: 1, maxLength: 10_000, description: 'a PromQL vector selector, like up{job="api"}' }),
    ),
  },
  { ...map, description: 'a map with minDataPoints and stalenessLimit' },
);

const spec = Type.Object(
  {
    environment: text(1, 64),
    objective: Type.Number({
      exclusiveMinimum: 0,
      exclusiveMaximum: 1,
      description: 'a number greater than 0 and less than 1 (99.5 % is written 0.995)',
    }),
    complianceWindow: window(),
    evaluationInterval: interval(),
    sli,
    burnPolicy: Type.Object(
      { rules: Type.Array(rule, { minItems: 1, maxItems: 50, description: 'a list of 1 to 50 burn rules' }) },
      { ...map, description: 'a map with rules' },
    ),
    gating,
  },
  {
    ...map,
    description: 'a map with environment, objective, complianceWindow, evaluationInterval, sli, burnPolicy and gating',
  },
);

export const sloSchema = Type.Object(
  {
    apiVersion: Type.Enum(['aegis.slo/v1', 'aegis.dev/v1'], {
      description: 'aegis.slo/v1 (aegis.dev/v1 means the same)',
    }),
    kind: Type.Enum(['SLO'], { description: 'the word SLO' }),
    metadata,
    spec,
  },
  {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'AegisSLO service level objective, version 1',
    ...map,
    description: 'a map with apiVersion, kind, metadata and spec',
  },
);

/** An SLO file's document that fits the schema, defaults not filled in. */
export type SloFile = Static<typeof sloSchema>;

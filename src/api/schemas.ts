import { Type, type TSchema } from 'typebox';
import { decisions } from '../slo/decision.ts';
import { reasonCodes, type RuleResult } from '../policy/gate-result.ts';
import type { ErrorAnswer } from './errors.ts';
import { serverRoles } from './readiness.ts';

/** Shapes that several routes share. What a schema's type cannot carry (read-only arrays) is given beside it. */

export const NumberOrNull = Type.Union([Type.Number(), Type.Null()]);
export const StringOrNull = Type.Union([Type.String(), Type.Null()]);

export const DecisionSchema = Type.Enum([...decisions], { description: 'From best to worst: ALLOW, WARN, BLOCK.' });

export const ReasonCodes = Type.Array(Type.Enum([...reasonCodes]), {
  description: 'One for each reason. The set grows: take a code that you do not know as unproven.',
});

export const RoleSchema = Type.Enum([...serverRoles], {
  description: 'A replica (--read-only) decides like the active server, and keeps no audit.',
});

export const Timestamp = Type.String({ format: 'date-time', description: 'RFC 3339 UTC' });

export const BurnRates = Type.Record(
  Type.String(),
  Type.Object({
    burnRate: NumberOrNull,
    threshold: Type.Optional(Type.Number({ description: 'Of the first rule that names the window.' })),
  }),
  { description: 'By window; null where a query failed, 0 where there is no data.' },
);

const ruleProperties = {
  name: Type.String(),
  action: DecisionSchema,
  triggered: Type.Boolean(),
  shortWindow: Type.String(),
  longWindow: Type.String(),
  shortBurnRate: NumberOrNull,
  longBurnRate: NumberOrNull,
  threshold: Type.Number(),
} satisfies Record<keyof RuleResult, unknown>;

export const RuleSchema = Type.Object(ruleProperties);
export const ExplainedRuleSchema = Type.Object({
  ...ruleProperties,
  arithmetic: Type.String({ description: 'The comparison in words that can be checked by hand.' }),
});

export const SliSchema = Type.Object(
  {
    value: NumberOrNull,
    errorRate: NumberOrNull,
    budgetRemaining: Type.Union([Type.Number(), Type.Null()], { description: 'Ratio, 0 to 1.' }),
  },
  { description: 'Of the compliance window; null where a query failed.' },
);

const failing = (description: string, headers: Readonly<Record<string, TSchema>> = {}) =>
  Type.Object(
    {
      error: Type.String({ description: 'One sentence for people.' }),
      code: Type.String({ description: 'Stable, for programs.' }),
      requestId: Type.String({ description: 'As in the header X-Request-Id and in the log.' }),
    } satisfies Record<keyof ErrorAnswer, unknown>,
    { description, ...(Object.keys(headers).length > 0 && { headers }) },
  );

const ofRate = (description: string) =>
  Type.String({ pattern: '^[0-9]+$', description: `Of a rate limit. ${description}` });
const retryAfter = Type.String({ pattern: '^[0-9]+$', description: 'Seconds until asking again is of use.' });

/** The answers with which a route can fail, by status. */
export const failure = {
  400: failing('The request does not have the documented shape.'),
  401: failing('A key or token is needed, or the one given is not known, expired or revoked.', {
    'www-authenticate': Type.String({ description: 'Bearer' }),
  }),
  403: failing('The key or token does not allow this.'),
  404: failing('What is asked for does not exist.'),
  409: failing('It is under way already: ask again when it is done.'),
  413: failing('The body is over 64 KiB.'),
  414: failing('A part of the path is over 512 characters.'),
  429: failing('Too many requests a second, or too many refused keys and tokens.', {
    'retry-after': retryAfter,
    'ratelimit-limit': ofRate('Turns a second of this client.'),
    'ratelimit-remaining': ofRate('Turns that are left: none.'),
    'ratelimit-reset': ofRate('Seconds until the next turn.'),
  }),
  500: failing('A fault of this program; its log has the details.'),
  503: failing(
    "Too much to do now (`overloaded`; `Retry-After` says when to ask again), the audit database cannot be read (`audit_unavailable`), or the keys of a token's issuer cannot (`issuer_unavailable`).",
    { 'retry-after': retryAfter },
  ),
} as const;

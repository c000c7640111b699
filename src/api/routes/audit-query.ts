import { Type, type TSchema } from 'typebox';
import { AegisError } from '../../errors.ts';
import { type Decision, decisions } from '../../slo/decision.ts';
import type { PageFilter } from '../../storage/ports.ts';
import { quote } from '../invalid.ts';
import { parseInstant, rfc3339Pattern } from '../rfc3339.ts';

export const nameParameter = Type.String({
  minLength: 1,
  maxLength: 256,
  description: 'a text of 1 to 256 characters',
});
export const decisionParameter = Type.Enum([...decisions], { description: 'ALLOW, WARN or BLOCK' });
const instant = Type.String({
  pattern: rfc3339Pattern,
  description: 'an RFC 3339 instant (2024-01-15T00:00:00Z)',
});

/** What every list of the audit takes. Strings with patterns: as integers, `1e2` and `0x10` would pass. */
export const pageParameters = {
  startTime: Type.Optional(instant),
  endTime: Type.Optional(instant),
  limit: Type.Optional(
    Type.String({ pattern: '^(?:[1-9][0-9]{0,2}|1000)$', description: 'a whole number from 1 to 1000' }),
  ),
  cursor: Type.Optional(
    Type.String({ minLength: 1, maxLength: 512, description: 'the nextCursor of an earlier answer' }),
  ),
};

/** What evaluations are found by. */
export const evaluationParameters = {
  sloID: Type.Optional(nameParameter),
  service: Type.Optional(nameParameter),
  environment: Type.Optional(nameParameter),
  decision: Type.Optional(decisionParameter),
};

export function evaluationFilter({ sloID, service, environment, decision }: EvaluationParameters) {
  return {
    ...(sloID !== undefined && { sloId: sloID }),
    ...(service !== undefined && { service }),
    ...(environment !== undefined && { environment }),
    ...(decision !== undefined && { decision }),
  };
}

/** What served decisions are found by. */
export const decisionParameters = {
  sloID: Type.Optional(nameParameter),
  decision: Type.Optional(decisionParameter),
  caller: Type.Optional(nameParameter),
  evaluationID: Type.Optional(nameParameter),
};

export function decisionFilter({ sloID, decision, caller, evaluationID }: DecisionParameters) {
  return {
    ...(sloID !== undefined && { sloId: sloID }),
    ...(decision !== undefined && { decision }),
    ...(caller !== undefined && { caller }),
    ...(evaluationID !== undefined && { evaluationId: evaluationID }),
  };
}

interface EvaluationParameters {
  readonly sloID?: string;
  readonly service?: string;
  readonly environment?: string;
  readonly decision?: Decision;
}

interface DecisionParameters {
  readonly sloID?: string;
  readonly decision?: Decision;
  readonly caller?: string;
  readonly evaluationID?: string;
}

const defaultLimit = 100;

/** What the parameters ask for; throws `invalid_request` where they contradict each other. */
export function pageFilter({ limit, ...range }: PageParameters): PageFilter {
  return { ...rangeFilter(range), limit: limit === undefined ? defaultLimit : Number(limit) };
}

/** The same for what has no pages. */
export function rangeFilter({ startTime, endTime, cursor }: Omit<PageParameters, 'limit'>): Omit<PageFilter, 'limit'> {
  // Rows have whole milliseconds, both bounds belong to the range.
  const startMs = startTime === undefined ? undefined : Math.ceil(instantOf('startTime', startTime));
  const endMs = endTime === undefined ? undefined : Math.floor(instantOf('endTime', endTime));
  if (startMs !== undefined && endMs !== undefined && startMs > endMs) {
    throw new AegisError('invalid_request', `startTime ${quote(startTime)} is after endTime ${quote(endTime)}`);
  }
  return {
    ...(startMs !== undefined && { startMs }),
    ...(endMs !== undefined && { endMs }),
    ...(cursor !== undefined && { cursor }),
  };
}

interface PageParameters {
  readonly startTime?: string;
  readonly endTime?: string;
  readonly limit?: string;
  readonly cursor?: string;
}

function instantOf(parameter: string, text: string): number {
  const epochMs = parseInstant(text);
  if (epochMs === null) {
    throw new AegisError('invalid_request', `${parameter} must be an instant that exists, not ${quote(text)}`);
  }
  return epochMs;
}

/** A page as the storage makes it: JSON already, which is sent as it is. */
export function pageOf(description: string, record: TSchema) {
  return Type.Unsafe<Uint8Array>(
    Type.Object(
      {
        records: Type.Array(record, { description: 'Newest first.' }),
        total: Type.Number({ description: 'Number of records in this answer.' }),
        nextCursor: Type.Union([Type.String(), Type.Null()], { description: 'null on the last page.' }),
      },
      { description },
    ),
  );
}

import { Type, type Static } from 'typebox';
import { AegisError } from '../../errors.ts';
import { decisions } from '../../slo/decision.ts';
import type { AuditFilter } from '../../storage/ports.ts';
import { quote } from '../invalid.ts';
import { parseInstant, rfc3339Pattern } from '../rfc3339.ts';

const name = Type.String({ minLength: 1, maxLength: 256, description: 'a text of 1 to 256 characters' });
const instant = Type.String({
  pattern: rfc3339Pattern,
  description: 'an RFC 3339 instant (2024-01-15T00:00:00Z)',
});

/** Strings with patterns: as integers, `1e2` and `0x10` would pass. */
export const AuditQuery = Type.Object(
  {
    sloID: Type.Optional(name),
    service: Type.Optional(name),
    environment: Type.Optional(name),
    decision: Type.Optional(Type.Enum([...decisions], { description: 'ALLOW, WARN or BLOCK' })),
    startTime: Type.Optional(instant),
    endTime: Type.Optional(instant),
    limit: Type.Optional(
      Type.String({ pattern: '^(?:[1-9][0-9]{0,2}|1000)$', description: 'a whole number from 1 to 1000' }),
    ),
    offset: Type.Optional(
      Type.String({ pattern: '^(?:0|[1-9][0-9]{0,8})$', description: 'a whole number from 0 to 999999999' }),
    ),
    cursor: Type.Optional(
      Type.String({ minLength: 1, maxLength: 512, description: 'the nextCursor of an earlier answer' }),
    ),
  },
  { additionalProperties: false },
);

const defaultLimit = 100;

/** What the parameters ask for; throws `invalid_request` where they contradict each other. */
export function auditFilter(query: Static<typeof AuditQuery>): AuditFilter {
  const { sloID, service, environment, decision, startTime, endTime, limit, offset, cursor } = query;
  // Rows have whole milliseconds, both bounds belong to the range.
  const startMs = startTime === undefined ? undefined : Math.ceil(instantOf('startTime', startTime));
  const endMs = endTime === undefined ? undefined : Math.floor(instantOf('endTime', endTime));
  if (startMs !== undefined && endMs !== undefined && startMs > endMs) {
    throw new AegisError('invalid_request', `startTime ${quote(startTime)} is after endTime ${quote(endTime)}`);
  }
  if (offset !== undefined && cursor !== undefined) {
    throw new AegisError('invalid_request', 'offset and cursor exclude each other: give one of them');
  }
  return {
    ...(sloID !== undefined && { sloId: sloID }),
    ...(service !== undefined && { service }),
    ...(environment !== undefined && { environment }),
    ...(decision !== undefined && { decision }),
    ...(startMs !== undefined && { startMs }),
    ...(endMs !== undefined && { endMs }),
    ...(offset !== undefined && { offset: Number(offset) }),
    ...(cursor !== undefined && { cursor }),
    limit: limit === undefined ? defaultLimit : Number(limit),
  };
}

function instantOf(parameter: string, text: string): number {
  const epochMs = parseInstant(text);
  if (epochMs === null) {
    throw new AegisError('invalid_request', `${parameter} must be an instant that exists, not ${quote(text)}`);
  }
  return epochMs;
}

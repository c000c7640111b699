import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { AegisError } from '../../src/errors.ts';
import { parseInstant } from '../../src/api/rfc3339.ts';
import { anApi } from '../support/api.ts';

describe('GET /v1/audit', () => {
  it('sends the bytes of the reader as they are', async () => {
    const { app, audit } = anApi();
    audit.answer('{"records":[{"sloID":"ü"}],"total":1,"nextCursor":"abc"}');
    const answer = await app.inject('/v1/audit');
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.body).toBe('{"records":[{"sloID":"ü"}],"total":1,"nextCursor":"abc"}');
  });

  it.each([
    ['', { limit: 100 }],
    ['?limit=1', { limit: 1 }],
    ['?limit=1000&offset=0', { limit: 1000, offset: 0 }],
    ['?offset=20', { limit: 100, offset: 20 }],
    ['?cursor=a-_9=', { limit: 100, cursor: 'a-_9=' }],
    ['?sloID=a&service=b&environment=c', { limit: 100, sloId: 'a', service: 'b', environment: 'c' }],
    ['?decision=BLOCK', { limit: 100, decision: 'BLOCK' }],
    ['?startTime=1970-01-01T00:00:01Z', { limit: 100, startMs: 1_000 }],
    ['?endTime=1970-01-01t01:00:01.5%2B01:00', { limit: 100, endMs: 1_500 }],
    ['?endTime=1970-01-01T01:00:01+01:00', { limit: 100, endMs: 1_000 }], // the + is decoded to a space
    ['?startTime=1970-01-01T00:00:01-00:01', { limit: 100, startMs: 61_000 }],
    ['?startTime=1970-01-01T00:00:00.0001Z', { limit: 100, startMs: 1 }],
    ['?endTime=1970-01-01T00:00:00.0019Z', { limit: 100, endMs: 1 }],
    ['?startTime=2024-02-29T00:00:00Z&endTime=2024-02-29T00:00:00Z', { startMs: 1709164800000, endMs: 1709164800000 }],
  ])('asks for %s', async (query, filter) => {
    const { app, audit } = anApi();
    const answer = await app.inject(`/v1/audit${query}`);
    expect(answer.statusCode).toBe(200);
    expect(audit.asked[0]).toEqual({ limit: 100, ...filter });
  });

  it.each([
    ['limit=', 'limit must be a whole number from 1 to 1000, not ""'],
    ['limit', 'limit must be a whole number from 1 to 1000, not ""'],
    ['limit=0', 'limit must be'],
    ['limit=1001', 'limit must be'],
    ['limit=1e2', 'limit must be'],
    ['limit=0x10', 'limit must be'],
    ['limit=-1', 'limit must be'],
    ['limit=10.0', 'limit must be'],
    ['limit=%2010', 'limit must be'],
    ['limit=010', 'limit must be'],
    ['limit=1&limit=2', 'limit must be a whole number from 1 to 1000, not ["1","2"]'],
    ['offset=-1', 'offset must be a whole number from 0 to 999999999, not "-1"'],
    ['offset=1000000000', 'offset must be'],
    ['offset=', 'offset must be'],
    ['decision=allow', 'decision must be ALLOW, WARN or BLOCK, not "allow"'],
    ['decision=', 'decision must be'],
    ['sloID=', 'sloID must be a text of 1 to 256 characters, not ""'],
    ['service=', 'service must be'],
    [`environment=${'x'.repeat(257)}`, 'environment must be'],
    ['cursor=', 'cursor must be the nextCursor of an earlier answer, not ""'],
    ['cursor=a&offset=1', 'offset and cursor exclude each other'],
    ['startTime=yesterday', 'startTime must be an RFC 3339 instant (2024-01-15T00:00:00Z), not "yesterday"'],
    ['startTime=2024-01-15', 'startTime must be'],
    ['startTime=2024-01-15T00:00:00', 'startTime must be'],
    ['startTime=1705276800', 'startTime must be'],
    ['endTime=', 'endTime must be'],
    ['endTime=2024-02-30T00:00:00Z', 'endTime must be an instant that exists, not "2024-02-30T00:00:00Z"'],
    ['endTime=2024-13-01T00:00:00Z', 'endTime must be an instant that exists'],
    ['endTime=2024-01-01T24:00:00Z', 'endTime must be an instant that exists'],
    ['endTime=2024-01-01T00:00:00%2B99:00', 'endTime must be an instant that exists'],
    [
      'startTime=2024-01-15T00:00:01Z&endTime=2024-01-15T00:00:00Z',
      'startTime "2024-01-15T00:00:01Z" is after endTime',
    ],
    [
      'sloId=a',
      'unknown parameter "sloId"; known are sloID, service, environment, decision, startTime, endTime, limit',
    ],
    ['__proto__=a', 'unknown parameter "__proto__"'],
  ])('answers 400 to ?%s and asks nothing', async (query, error) => {
    const { app, audit } = anApi();
    const answer = await app.inject(`/v1/audit?${query}`);
    expect(answer.statusCode).toBe(400);
    expect(answer.json<{ error: string }>().error).toContain(error);
    expect(answer.json()).toMatchObject({ code: 'invalid_request' });
    expect(audit.asked).toEqual([]);
  });

  it('answers 503 where the database cannot be read', async () => {
    const { app, audit } = anApi();
    audit.breakDown();
    const answer = await app.inject('/v1/audit');
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({
      error: 'the audit database cannot be read: database is locked',
      code: 'audit_unavailable',
    });
  });

  it('answers 400 to a cursor that the reader does not know', async () => {
    const page = () => Promise.reject(new AegisError('invalid_request', 'cursor "x" is not one of this server'));
    const { app } = anApi({ deps: { audit: { page, giveBack: () => undefined, get: () => Promise.resolve(null) } } });
    const answer = await app.inject('/v1/audit?cursor=x');
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ code: 'invalid_request' });
  });
});

describe('an RFC 3339 instant', () => {
  const instants = fc.date({ min: new Date('0001-01-02'), max: new Date('9999-12-30'), noInvalidDate: true });

  it('is read as JavaScript writes it', () => {
    fc.assert(
      fc.property(instants, (date) => {
        expect(parseInstant(date.toISOString())).toBe(date.getTime());
      }),
    );
  });

  it('is the same instant in every zone', () => {
    fc.assert(
      fc.property(instants, fc.integer({ min: -1439, max: 1439 }), (date, offsetMinutes) => {
        const local = new Date(date.getTime() + offsetMinutes * 60_000).toISOString().slice(0, -1);
        const of = (value: number) => String(Math.floor(value)).padStart(2, '0');
        const size = Math.abs(offsetMinutes);
        const zone = `${offsetMinutes < 0 ? '-' : '+'}${of(size / 60)}:${of(size % 60)}`;
        expect(parseInstant(local + zone)).toBe(date.getTime());
      }),
    );
  });

  it('is nothing for any other text, and never throws', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(parseInstant(text)).toBeNull();
      }),
    );
  });
});

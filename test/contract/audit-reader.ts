import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Evaluation } from '../../src/policy/decision-source.ts';
import type { AuditFilter } from '../../src/storage/ports.ts';
import { makeEvaluation, makeSlo } from '../storage/make-evaluation.ts';
import { readAll, readPage } from './audit-page.ts';
import type { StorageEngine } from './evaluation-log.ts';

/** What every engine's `AuditReader` has to do. */
export function auditReaderContract(name: string, open: () => Promise<StorageEngine>): void {
  describe(`AuditReader: ${name}`, () => {
    it('answers an empty audit', async () => {
      const { reader } = await open();
      expect(await readPage(reader)).toEqual({ records: [], total: 0, nextCursor: null });
    });

    it('gives a record field for field', async () => {
      const { log, reader } = await open();
      const evaluation = makeEvaluation({
        atMs: Date.UTC(2026, 10, 21, 8, 17, 2, 522),
        decision: 'BLOCK',
        items: [
          { code: 'rule_triggered', decision: 'BLOCK', reason: 'rule "fast" é triggered' },
          { code: 'stale', decision: 'WARN', reason: 'data is stale' },
        ],
      });
      await log.append(evaluation);
      const { records } = await readPage(reader);
      expect(records).toEqual([
        {
          id: expect.any(Number) as number,
          evaluationID: evaluation.id,
          sloID: 'api-availability',
          service: 'api',
          environment: 'production',
          decision: 'BLOCK',
          sli: 0.9995,
          errorRate: 0.0005,
          budgetRemaining: 0.9,
          isStale: false,
          hasNoTraffic: false,
          reasons: ['rule "fast" é triggered', 'data is stale'],
          reasonCodes: ['rule_triggered', 'stale'],
          burnRates: {
            '30d': { burnRate: 0.1 },
            '5m': { burnRate: 1, threshold: 14 },
            '1h': { burnRate: 1, threshold: 14 },
          },
          timestamp: '2026-11-21T08:17:02.522Z',
          createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
        },
      ]);
    });

    it.each(['failed', 'noData'] as const)(
      'gives null for numbers of a compliance window that is %s',
      async (state) => {
        const { log, reader } = await open();
        await log.append(makeEvaluation({ complianceState: state }));
        expect((await readPage(reader)).records[0]).toMatchObject({
          sli: null,
          errorRate: null,
          budgetRemaining: null,
        });
      },
    );

    it('gives the newest first, and of one instant the later id first', async () => {
      const { log, reader } = await open();
      const evaluations = [3_000, 1_000, 2_000, 2_000].map((atMs) => makeEvaluation({ atMs }));
      await Promise.all(evaluations.map((evaluation) => log.append(evaluation)));
      const found = (await readPage(reader)).records.map((record) => record.evaluationID);
      expect(found).toEqual([0, 3, 2, 1].map((index) => evaluations[index]!.id));
    });

    it('takes start and end as inclusive', async () => {
      const { log, reader } = await open();
      await Promise.all([999, 1_000, 1_500, 2_000, 2_001].map((atMs) => log.append(makeEvaluation({ atMs }))));
      const { records } = await readPage(reader, { startMs: 1_000, endMs: 2_000 });
      expect(records.map((record) => Date.parse(record.timestamp))).toEqual([2_000, 1_500, 1_000]);
    });

    it('finds with every filter, offset and page size what a plain scan finds', async () => {
      const { log, reader } = await open();
      const evaluations = mixedEvaluations();
      await Promise.all(evaluations.map((evaluation) => log.append(evaluation)));
      await fc.assert(
        fc.asyncProperty(arbitraryFilter, async (filter) => {
          const expected = scan(evaluations, filter).map((evaluation) => evaluation.id);
          const paged = await readAll(reader, filter);
          expect(paged.map((record) => record.evaluationID)).toEqual(expected);
          const offset = await readPage(reader, { ...filter, limit: 7, offset: 3 });
          expect(offset.records.map((record) => record.evaluationID)).toEqual(expected.slice(3, 10));
        }),
        { numRuns: 60 },
      );
    });

    it('has no next cursor on the last page, though it is full', async () => {
      const { log, reader } = await open();
      await Promise.all(Array.from({ length: 4 }, () => log.append(makeEvaluation())));
      const first = await readPage(reader, { limit: 2 });
      expect(first.nextCursor).toMatch(/^[\w-]+$/);
      const second = await readPage(reader, { limit: 2, cursor: first.nextCursor! });
      expect(second).toMatchObject({ total: 2, nextCursor: null });
    });

    it('goes on where a page ended though newer rows came', async () => {
      const { log, reader } = await open();
      await Promise.all([1, 2, 3].map((atMs) => log.append(makeEvaluation({ atMs }))));
      const first = await readPage(reader, { limit: 1 });
      await log.append(makeEvaluation({ atMs: 4 }));
      const second = await readPage(reader, { cursor: first.nextCursor! });
      expect(second.records.map((record) => Date.parse(record.timestamp))).toEqual([2, 1]);
    });

    it.each(['', 'x', '!!', 'bnVsbA', 'W10', Buffer.from('["a1","x"]').toString('base64url')])(
      'refuses a cursor that is none of its own: %j',
      async (cursor) => {
        const { reader } = await open();
        await expect(reader.page({ limit: 1, cursor })).rejects.toMatchObject({ code: 'invalid_request' });
      },
    );

    it('gives one evaluation with its evidence and the document as it stood', async () => {
      const { log, reader } = await open();
      const slo = makeSlo('checkout');
      const evaluation = makeEvaluation({ slo });
      await log.append(evaluation);
      const found = await reader.get(evaluation.id);
      expect(found).toMatchObject({ evaluationId: evaluation.id, sloId: 'checkout', specHash: evaluation.specHash });
      expect(JSON.parse(found!.evidenceJson)).toEqual({ evidenceOf: evaluation.id });
      expect(JSON.parse(found!.documentJson!)).toEqual(slo.document);
    });

    it('gives null for an evaluation that is not there', async () => {
      const { reader } = await open();
      expect(await reader.get('0198c0de-0000-7000-8000-000000000000')).toBeNull();
    });
  });
}

function mixedEvaluations(): Evaluation[] {
  const slos = [
    makeSlo('a', { service: 'one', environment: 'production' }),
    makeSlo('b', { service: 'one', environment: 'staging' }),
    makeSlo('c', { service: 'two', environment: 'production' }),
  ];
  const decisions = ['ALLOW', 'WARN', 'BLOCK'] as const;
  return Array.from({ length: 90 }, (_, index) =>
    makeEvaluation({
      slo: slos[index % 3]!,
      decision: decisions[Math.floor(index / 3) % 3]!,
      atMs: 1_000 * Math.floor((index * 7) % 40), // several of one instant
    }),
  );
}

const arbitraryFilter: fc.Arbitrary<AuditFilter> = fc.record(
  {
    limit: fc.integer({ min: 1, max: 40 }),
    sloId: fc.constantFrom('a', 'b', 'c', 'none'),
    service: fc.constantFrom('one', 'two'),
    environment: fc.constantFrom('production', 'staging'),
    decision: fc.constantFrom('ALLOW', 'WARN', 'BLOCK'),
    startMs: fc.integer({ min: 0, max: 40_000 }),
    endMs: fc.integer({ min: 0, max: 40_000 }),
  },
  { requiredKeys: ['limit'] },
);

function scan(evaluations: readonly Evaluation[], filter: AuditFilter): Evaluation[] {
  const at = (evaluation: Evaluation) => evaluation.evaluatedAt.wallMs;
  return evaluations
    .filter(
      (one) =>
        (filter.sloId === undefined || one.slo.id === filter.sloId) &&
        (filter.service === undefined || one.slo.service === filter.service) &&
        (filter.environment === undefined || one.slo.environment === filter.environment) &&
        (filter.decision === undefined || one.result.decision === filter.decision) &&
        (filter.startMs === undefined || at(one) >= filter.startMs) &&
        (filter.endMs === undefined || at(one) <= filter.endMs),
    )
    .sort((a, b) => at(b) - at(a) || (a.id < b.id ? 1 : -1));
}

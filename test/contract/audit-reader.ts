import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WindowState } from '../../src/eval/measurement.ts';
import type { Evaluation } from '../../src/policy/decision-source.ts';
import type { AuditFilter } from '../../src/storage/ports.ts';
import { makeEvaluation } from '../storage/make-evaluation.ts';
import { anSlo } from '../support/slo.ts';
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
          service: 'api-gateway',
          environment: 'production',
          decision: 'BLOCK',
          sli: evaluation.result.sli.value,
          errorRate: evaluation.result.sli.errorRate,
          budgetRemaining: evaluation.result.sli.budgetRemaining,
          isStale: false,
          hasNoTraffic: false,
          reasons: ['rule "fast" é triggered', 'data is stale'],
          reasonCodes: ['rule_triggered', 'stale'],
          burnRates: {
            '30d': { burnRate: close(0.1) },
            '5m': { burnRate: close(0.1), threshold: 14 },
            '1h': { burnRate: close(0.1), threshold: 14 },
            '6h': { burnRate: close(0.1), threshold: 7 },
          },
          timestamp: '2026-11-21T08:17:02.522Z',
          createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
        },
      ]);
    });

    it.each<WindowState>([
      { state: 'failed', failure: { role: 'good', reason: 'timeout', detail: 'no answer', attempts: 2 } },
      { state: 'noData', cause: 'total is 0' },
    ])('gives null for numbers of a compliance window that is $state', async (compliance) => {
      const { log, reader } = await open();
      await log.append(makeEvaluation({ compliance }));
      const [record] = (await readPage(reader)).records;
      expect(record).toMatchObject({ sli: null, errorRate: null, budgetRemaining: null });
      expect(record?.burnRates['30d']).toEqual({ burnRate: compliance.state === 'failed' ? null : 0 });
    });

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
      const slo = anSlo({ id: 'checkout' });
      const evaluation = makeEvaluation({ slo });
      await log.append(evaluation);
      const found = await reader.get(evaluation.id);
      expect(found).toMatchObject({
        evaluationId: evaluation.id,
        sloId: 'checkout',
        specHash: evaluation.specHash,
        decision: evaluation.result.decision,
        reasons: evaluation.result.items.map((item) => item.reason),
        evaluatedAtMs: evaluation.evaluatedAt.wallMs,
      });
      expect(JSON.parse(found!.evidenceJson)).toEqual({ evidenceOf: evaluation.id });
      expect(JSON.parse(found!.documentJson!)).toEqual(slo.document);
    });

    it('gives null for an evaluation that is not there', async () => {
      const { reader } = await open();
      expect(await reader.get('0198c0de-0000-7000-8000-000000000000')).toBeNull();
    });
  });
}

const close = (value: number) => expect.closeTo(value, 9) as number;

function mixedEvaluations(): Evaluation[] {
  const slos = [
    anSlo({ id: 'a', service: 'one', environment: 'production' }),
    anSlo({ id: 'b', service: 'one', environment: 'staging' }),
    anSlo({ id: 'c', service: 'two', environment: 'production' }),
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

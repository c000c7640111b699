import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DecisionFilter, PageFilter, ServedDecision } from '../../src/storage/ports.ts';
import { makeOrder, makeServed } from '../storage/make-activity.ts';
import { eventually } from '../support/eventually.ts';
import type { StorageEngine } from './evaluation-log.ts';

interface ActivityRecord {
  readonly requestId: string;
  readonly timestamp: string;
  readonly count?: number;
  readonly lastTimestamp?: string;
  readonly requestIds?: readonly string[];
}

interface Page {
  readonly records: readonly ActivityRecord[];
  readonly total: number;
  readonly nextCursor: string | null;
}

const decode = (bytes: Uint8Array) => JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Page;
/** Of a record that stands for several answers, all of them. */
const requestIds = ({ records }: Pick<Page, 'records'>) =>
  records.flatMap(({ requestId, requestIds = [requestId] }) => requestIds.toReversed());

async function servedPage({ activityReader }: StorageEngine, filter: Partial<DecisionFilter> = {}): Promise<Page> {
  return decode(await activityReader.decisions({ limit: 1_000, ...filter }));
}

async function ordersPage({ activityReader }: StorageEngine, filter: Partial<PageFilter> = {}): Promise<Page> {
  return decode(await activityReader.orders({ limit: 1_000, ...filter }));
}

/** Every record that the filter finds, page by page; fails rather than go on for ever. */
async function readAll(read: (cursor: { cursor?: string }) => Promise<Page>): Promise<ActivityRecord[]> {
  const records: ActivityRecord[] = [];
  let cursor: { cursor?: string } = {};
  for (let pages = 0; pages < 1_000; pages++) {
    const page = await read(cursor);
    records.push(...page.records);
    if (page.nextCursor === null) return records;
    cursor = { cursor: page.nextCursor };
  }
  throw new Error('a thousand pages and no last one');
}

async function written({ activity }: StorageEngine): Promise<void> {
  await eventually(() => {
    const { decisions, orders } = activity.stats();
    expect(decisions.waiting + orders.waiting).toBe(0);
  });
}

/** What every engine's `ActivityLog` and `ActivityReader` have to do. */
export function activityLogContract(name: string, open: () => Promise<StorageEngine>): void {
  describe(`ActivityLog and ActivityReader: ${name}`, () => {
    it('answer an empty audit', async () => {
      const engine = await open();
      const empty = { records: [], total: 0, nextCursor: null };
      expect(await servedPage(engine)).toEqual(empty);
      expect(await ordersPage(engine)).toEqual(empty);
    });

    it('give a served decision field for field', async () => {
      const engine = await open();
      const atMs = Date.UTC(2026, 10, 21, 8, 17, 2, 522);
      engine.activity.served(
        makeServed({ atMs, decision: 'BLOCK', wasForced: true, caller: 'repo:é/x', address: '::1', requestId: 'a' }),
      );
      await written(engine);
      expect((await servedPage(engine)).records).toEqual([
        {
          id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/) as string,
          timestamp: '2026-11-21T08:17:02.522Z',
          sloID: 'api-availability',
          decision: 'BLOCK',
          evaluationID: '01930001-0000-7000-8000-000000000000',
          forced: true,
          caller: 'repo:é/x',
          address: '::1',
          requestId: 'a',
          count: 1,
          lastTimestamp: '2026-11-21T08:17:02.522Z',
          requestIds: ['a'],
          offsetsMs: [0],
        },
      ]);
    });

    it('give answers that differ in nothing but their request as one record', async () => {
      const engine = await open();
      const atMs = Date.UTC(2026, 10, 21, 8);
      for (const [requestId, offsetMs] of [
        ['a', 0],
        ['b', 0],
        ['c', 250],
        ['d', 251], // too late for the record
        ['e', 100], // the clock was set back
      ] as const) {
        engine.activity.served(makeServed({ requestId, atMs: atMs + offsetMs }));
      }
      for (const parts of [
        { caller: 'another' },
        { address: '::1' },
        { wasForced: true },
        { decision: 'WARN' },
        { sloId: 'another' },
        { evaluationId: 'another' },
      ] as const) {
        engine.activity.served(makeServed({ ...parts, requestId: Object.keys(parts).join(), atMs: atMs + 1_000 }));
      }
      await written(engine);
      const { records } = await servedPage(engine);
      expect(records.filter(({ timestamp }) => timestamp < '2026-11-21T08:00:01')).toMatchObject([
        { requestIds: ['d'], count: 1 },
        { requestIds: ['e'], count: 1 },
        {
          ...{ timestamp: '2026-11-21T08:00:00.000Z', lastTimestamp: '2026-11-21T08:00:00.250Z' },
          ...{ requestId: 'a', requestIds: ['a', 'b', 'c'], offsetsMs: [0, 0, 250], count: 3 },
        },
      ]);
      expect(records).toHaveLength(9);
    });

    it('find each record that reaches into the time that is asked for', async () => {
      const engine = await open();
      const served = Array.from({ length: 400 }, (_, index) =>
        makeServed({ atMs: Math.floor(index / 2) * 37, evaluationId: `e${Math.floor(index / 7)}` }),
      );
      for (const one of served) engine.activity.served(one);
      await written(engine);
      const all = await servedPage(engine);
      expect(all.records.length).toBeLessThan(served.length / 2);
      const ms = (text: string | undefined) => Date.parse(text ?? '');
      const time = fc.integer({ min: 0, max: 8_000 });
      await fc.assert(
        fc.asyncProperty(time, time, async (startMs, endMs) => {
          const expected = all.records.filter((one) => ms(one.lastTimestamp) >= startMs && ms(one.timestamp) <= endMs);
          expect((await servedPage(engine, { startMs, endMs })).records).toEqual(expected);
          const exported = await engine.exporter.decisions({ startMs, endMs }, 'jsonl');
          const lines = new TextDecoder().decode(exported.bytes).split('\n').filter(Boolean);
          expect(lines.map((line) => (JSON.parse(line) as ActivityRecord).requestIds)).toEqual(
            expected.map((one) => one.requestIds).toReversed(),
          );
        }),
        { numRuns: 60 },
      );
    });

    it('give an order field for field', async () => {
      const engine = await open();
      engine.activity.ordered(makeOrder({ atMs: Date.UTC(2026, 10, 21, 8), requestId: 'change-7' }));
      await written(engine);
      expect((await ordersPage(engine)).records).toEqual([
        {
          id: expect.any(String) as string,
          timestamp: '2026-11-21T08:00:00.000Z',
          order: 'POST /admin/log-level',
          parameters: { level: 'debug' },
          outcome: 'log level debug',
          caller: 'ops',
          address: '127.0.0.1',
          requestId: 'change-7',
        },
      ]);
    });

    it('store each of 10,000 once, and count them', async () => {
      const engine = await open();
      const served = Array.from({ length: 10_000 }, () => makeServed());
      for (const one of served) engine.activity.served(one);
      await written(engine);
      expect(engine.activity.stats().decisions).toEqual({ stored: 10_000, waiting: 0, dropped: 0 });
      const found = await readAll((cursor) => servedPage(engine, cursor));
      // Newest first, also where they are of one millisecond.
      expect(requestIds({ records: found })).toEqual(served.map(({ requestId }) => requestId).reverse());
    });

    it('find with every filter and page size what a plain scan finds', async () => {
      const engine = await open();
      const served = mixedServed();
      for (const one of served) engine.activity.served(one);
      await written(engine);
      await fc.assert(
        fc.asyncProperty(arbitraryFilter, async (filter) => {
          const found = await readAll((cursor) => servedPage(engine, { ...filter, ...cursor }));
          expect(requestIds({ records: found })).toEqual(scan(served, filter));
        }),
        { numRuns: 60 },
      );
    });

    it('find orders by caller and time', async () => {
      const engine = await open();
      for (const [caller, atMs] of [
        ['a', 1_000],
        ['b', 2_000],
        ['a', 3_000],
        ['a', 3_001],
      ] as const) {
        engine.activity.ordered(makeOrder({ caller, atMs, requestId: `${caller} ${atMs}` }));
      }
      await written(engine);
      const filter = { caller: 'a', startMs: 1_000, endMs: 3_000, limit: 1 };
      const found = await readAll((cursor) => ordersPage(engine, { ...filter, ...cursor }));
      expect(requestIds({ records: found })).toEqual(['a 3000', 'a 1000']);
    });

    it('go on where a page ended though newer rows came', async () => {
      const engine = await open();
      for (const atMs of [1, 2, 3])
        engine.activity.served(makeServed({ atMs, caller: `ci-${atMs}`, requestId: String(atMs) }));
      await written(engine);
      const first = await servedPage(engine, { limit: 1 });
      engine.activity.served(makeServed({ atMs: 4 }));
      await written(engine);
      expect(requestIds(await servedPage(engine, { cursor: first.nextCursor! }))).toEqual(['2', '1']);
    });

    it('refuse the cursor of another list, and what is none', async () => {
      const engine = await open();
      for (const caller of ['ci', 'cd']) engine.activity.served(makeServed({ caller }));
      await written(engine);
      const { nextCursor } = await servedPage(engine, { limit: 1 });
      const refused = { code: 'invalid_request' };
      await expect(ordersPage(engine, { cursor: nextCursor! })).rejects.toMatchObject(refused);
      await expect(engine.reader.page({ limit: 1, cursor: nextCursor! })).rejects.toMatchObject(refused);
      await expect(servedPage(engine, { cursor: 'x' })).rejects.toMatchObject(refused);
    });

    it('keep every row over a restart, those of the last moment too', async () => {
      const engine = await open();
      engine.activity.served(makeServed({ requestId: 'answer' }));
      engine.activity.ordered(makeOrder({ requestId: 'order' }));
      const again = await engine.reopen();
      expect(requestIds(await servedPage(again))).toEqual(['answer']);
      expect(requestIds(await ordersPage(again))).toEqual(['order']);
    });
  });
}

function mixedServed(): ServedDecision[] {
  const decisions = ['ALLOW', 'WARN', 'BLOCK'] as const;
  return Array.from({ length: 120 }, (_, index) =>
    makeServed({
      sloId: ['a', 'b', 'c'][index % 3]!,
      decision: decisions[Math.floor(index / 3) % 3]!,
      caller: ['ci', 'cd'][index % 2]!,
      evaluationId: ['e1', 'e2', 'e3', 'e4'][index % 4]!,
      atMs: 1_000 * ((index * 7) % 40), // several of one instant
    }),
  );
}

const arbitraryFilter: fc.Arbitrary<DecisionFilter> = fc.record(
  {
    limit: fc.integer({ min: 1, max: 40 }),
    sloId: fc.constantFrom('a', 'b', 'c', 'none'),
    decision: fc.constantFrom('ALLOW', 'WARN', 'BLOCK'),
    caller: fc.constantFrom('ci', 'cd'),
    evaluationId: fc.constantFrom('e1', 'e2', 'e3'),
    startMs: fc.integer({ min: 0, max: 40_000 }),
    endMs: fc.integer({ min: 0, max: 40_000 }),
  },
  { requiredKeys: ['limit'] },
);

/** The request ids, newest first: of one instant the later served first. */
function scan(served: readonly ServedDecision[], filter: DecisionFilter): string[] {
  return served
    .map((one, order) => ({ one, order }))
    .filter(
      ({ one }) =>
        (filter.sloId === undefined || one.sloId === filter.sloId) &&
        (filter.decision === undefined || one.decision === filter.decision) &&
        (filter.caller === undefined || one.caller === filter.caller) &&
        (filter.evaluationId === undefined || one.evaluationId === filter.evaluationId) &&
        (filter.startMs === undefined || one.atMs >= filter.startMs) &&
        (filter.endMs === undefined || one.atMs <= filter.endMs),
    )
    .sort((a, b) => b.one.atMs - a.one.atMs || b.order - a.order)
    .map(({ one }) => one.requestId);
}

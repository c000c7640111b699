import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { AuditExporter, AuditFilter, ExportForm } from '../../src/storage/ports.ts';
import { makeOrder, makeServed } from '../storage/make-activity.ts';
import { makeEvaluation } from '../storage/make-evaluation.ts';
import { eventually } from '../support/eventually.ts';
import { anSlo } from '../support/slo.ts';
import { readPage } from './audit-page.ts';
import type { StorageEngine } from './evaluation-log.ts';

type Filter = Parameters<AuditExporter['evaluations']>[0];

interface Line {
  readonly evaluationID: string;
  readonly cursor: string;
}

/** All chunks of an export, as one text. */
async function text(exporter: AuditExporter, filter: Filter = {}, form: ExportForm = 'jsonl'): Promise<string> {
  const chunks: Uint8Array[] = [];
  let cursor = filter.cursor;
  for (let count = 0; count < 1_000; count++) {
    const { bytes, next } = await exporter.evaluations({ ...filter, ...(cursor !== undefined && { cursor }) }, form);
    chunks.push(bytes);
    if (next === null) return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
    cursor = next;
  }
  throw new Error('a thousand chunks and no last one');
}

async function lines(exporter: AuditExporter, filter: Filter = {}): Promise<Line[]> {
  const whole = (await text(exporter, filter)).split('\n');
  expect(whole.pop()).toBe('');
  return whole.map((line) => JSON.parse(line) as Line);
}

/** Rows of the last second are not exported yet. */
const settled = () => wait(1_050);

/** What every engine's `AuditExporter` has to do. */
export function auditExporterContract(name: string, open: () => Promise<StorageEngine>): void {
  describe(`AuditExporter: ${name}`, () => {
    it('gives every evaluation once, in the order of writing, with the fields of a page', async () => {
      const { log, reader, exporter } = await open();
      const evaluations = Array.from({ length: 2_300 }, (_, index) => makeEvaluation({ atMs: 1_000 * (index % 7) }));
      for (let from = 0; from < evaluations.length; from += 500)
        await Promise.all(evaluations.slice(from, from + 500).map((one) => log.append(one)));
      await settled();
      const exported = await lines(exporter);
      expect(new Set(exported.map(({ evaluationID }) => evaluationID)).size).toBe(2_300);
      expect(exported).toHaveLength(2_300);
      const [last] = (await readPage(reader, { limit: 1, sloId: 'api-availability' })).records;
      const same = exported.find(({ evaluationID }) => evaluationID === last?.evaluationID);
      expect(same).toEqual({ ...last, cursor: same?.cursor });
    });

    it('goes on behind any line, and finds what came later, however old it says that it is', async () => {
      const { log, exporter } = await open();
      await Promise.all(Array.from({ length: 20 }, () => log.append(makeEvaluation())));
      await settled();
      const before = await lines(exporter);
      const late = makeEvaluation({ atMs: 1_000 });
      await log.append(late);
      await settled();
      const [third, last] = [before[2]!, before.at(-1)!];
      const ids = (all: readonly Line[]) => all.map(({ evaluationID }) => evaluationID);
      expect(ids(await lines(exporter, { cursor: third.cursor }))).toEqual([...ids(before.slice(3)), late.id]);
      const behind = await lines(exporter, { cursor: last.cursor });
      expect(ids(behind)).toEqual([late.id]);
      expect(await lines(exporter, { cursor: behind[0]!.cursor })).toEqual([]);
    });

    it('finds what a page finds, though little of much is meant', async () => {
      const { log, reader, exporter } = await open();
      const slos = [anSlo({ id: 'a' }), anSlo({ id: 'b', service: 'two' }), anSlo({ id: 'c' })];
      const all = Array.from({ length: 6_000 }, (_, index) =>
        makeEvaluation({
          // The last one, too: behind more rows than are looked at at once.
          slo: slos[index % 2000 === 0 || index === 5_999 ? 1 : index % 2 === 0 ? 0 : 2]!,
          decision: index % 3 === 0 ? 'BLOCK' : 'ALLOW',
          atMs: 1_000_000 + index,
        }),
      );
      await Promise.all(all.map((one) => log.append(one)));
      await settled();
      const filters: Partial<AuditFilter>[] = [
        { sloId: 'b' },
        { service: 'two', decision: 'BLOCK' },
        { decision: 'BLOCK', startMs: 1_000_500, endMs: 1_001_200 },
        { sloId: 'c', environment: 'nowhere' },
      ];
      for (const filter of filters) {
        const page = await readPage(reader, { limit: 1_000, ...filter });
        const expected = page.records.map(({ evaluationID }) => evaluationID).sort();
        expect((await lines(exporter, filter)).map(({ evaluationID }) => evaluationID).sort()).toEqual(expected);
      }
    });

    it('writes CSV that says the same, and no formula', async () => {
      const { log, activity, exporter } = await open();
      const items = [{ code: 'stale', decision: 'WARN', reason: 'a "quoted", comma\nand line' }] as const;
      await log.append(makeEvaluation({ slo: anSlo({ service: '=1+1' }), items }));
      activity.served(makeServed({ requestId: '@cmd', caller: '-x', address: '+1' }));
      activity.ordered(makeOrder({ requestId: '=2' }));
      await eventually(() =>
        expect(activity.stats()).toMatchObject({ decisions: { stored: 1 }, orders: { stored: 1 } }),
      );
      await settled();
      const [json] = await lines(exporter);
      const csv = await text(exporter, {}, 'csv');
      expect(csv.split('\r\n')[0]?.split(',')).toEqual(Object.keys(json!));
      expect(csv).toContain(`,'=1+1,`);
      expect(csv).toContain(String.raw`,"[""a \""quoted\"", comma\nand line""]",`);
      expect(csv.endsWith(`,${json!.cursor}\r\n`)).toBe(true);
      expect(await text(exporter, { cursor: json!.cursor }, 'csv')).toBe('');
      const decode = ({ bytes }: { bytes: Uint8Array }) => new TextDecoder().decode(bytes);
      expect(decode(await exporter.decisions({}, 'csv'))).toMatch(
        /^id,timestamp,sloID,.*,cursor\r\n.*,'-x,'\+1,'@cmd,1,[^,]+,"\[""@cmd""\]",\[0\],\w+\r\n$/,
      );
      expect(decode(await exporter.orders({}, 'csv'))).toMatch(/,ops,127.0.0.1,'=2,\w+\r\n$/);
      expect(decode(await exporter.orders({ caller: 'nobody' }, 'jsonl'))).toBe('');
    });

    it('refuses a cursor of another list', async () => {
      const { log, reader, exporter } = await open();
      await Promise.all([1, 2].map(() => log.append(makeEvaluation())));
      const { nextCursor } = await readPage(reader, { limit: 1 });
      for (const cursor of ['x', nextCursor!])
        await expect(exporter.evaluations({ cursor }, 'jsonl')).rejects.toMatchObject({ code: 'invalid_request' });
    });
  });
}

import { describe, expect, it } from 'vitest';
import type {
  ActivityLog,
  ActivityReader,
  AuditExporter,
  AuditReader,
  EvaluationLog,
  KeptWindowsReader,
} from '../../src/storage/ports.ts';
import { makeEvaluation } from '../storage/make-evaluation.ts';
import { anSlo } from '../support/slo.ts';
import { readPage } from './audit-page.ts';

/** A storage engine, open and empty, that ends with the test. */
export interface StorageEngine {
  readonly log: EvaluationLog;
  readonly reader: AuditReader;
  readonly activity: ActivityLog;
  readonly activityReader: ActivityReader;
  readonly exporter: AuditExporter;
  readonly keptWindows: KeptWindowsReader;
  /** Closes and opens again on what was stored. */
  reopen(): Promise<StorageEngine>;
}

/** What every engine's `EvaluationLog` has to do. */
export function evaluationLogContract(name: string, open: () => Promise<StorageEngine>): void {
  describe(`EvaluationLog: ${name}`, () => {
    it('says stored when the row can be read', async () => {
      const { log, reader } = await open();
      const evaluation = makeEvaluation();
      expect(await log.append(evaluation)).toBe('stored');
      expect((await readPage(reader)).records.map((record) => record.evaluationID)).toEqual([evaluation.id]);
    });

    it('stores every one of many appended at once, in their order', async () => {
      const { log, reader } = await open();
      const evaluations = Array.from({ length: 1_200 }, (_, index) => makeEvaluation({ atMs: 1_000_000 + index }));
      const appended = await Promise.all(evaluations.map((evaluation) => log.append(evaluation)));
      expect(new Set(appended)).toEqual(new Set(['stored']));
      const newest = await readPage(reader, { limit: 1_000 });
      const ids = evaluations.map((evaluation) => evaluation.id).reverse();
      expect(newest.records.map((record) => record.evaluationID)).toEqual(ids.slice(0, 1_000));
    });

    it('stores an evaluation that is appended twice once', async () => {
      const { log, reader } = await open();
      const evaluation = makeEvaluation();
      await Promise.all([log.append(evaluation), log.append(evaluation)]);
      expect((await readPage(reader)).total).toBe(1);
    });

    it('counts what is stored and what waits', async () => {
      const { log } = await open();
      await Promise.all([log.append(makeEvaluation()), log.append(makeEvaluation())]);
      expect(log.stats()).toEqual({ stored: 2, waiting: 0, dropped: 0, lastError: null });
    });

    it('has written what waited when flush resolves', async () => {
      const { log } = await open();
      const appended = log.append(makeEvaluation());
      await log.flush(30_000);
      expect(log.stats()).toMatchObject({ stored: 1, waiting: 0 });
      expect(await appended).toBe('stored');
    });

    it('keeps every row over a restart', async () => {
      const engine = await open();
      const evaluation = makeEvaluation();
      await engine.log.append(evaluation);
      const { log, reader } = await engine.reopen();
      await log.append(makeEvaluation());
      expect((await readPage(reader)).records.map((record) => record.evaluationID)).toContain(evaluation.id);
      expect((await readPage(reader)).total).toBe(2);
    });

    it('keeps the document of each version of an SLO once', async () => {
      const { log, reader } = await open();
      const slo = anSlo();
      const before = makeEvaluation({ slo, specHash: 'before' });
      const after = makeEvaluation({ slo: { ...slo, document: { ...slo.document, kind: 'SLO' } }, specHash: 'after' });
      await Promise.all([
        log.append(before),
        log.append(after),
        log.append(makeEvaluation({ slo, specHash: 'before' })),
      ]);
      expect(await reader.get(before.id)).toMatchObject({ specHash: 'before', sloId: slo.id });
      expect(JSON.parse((await reader.get(after.id))?.documentJson ?? '')).toEqual(slo.document);
    });
  });
}

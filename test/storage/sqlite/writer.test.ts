import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { noRows } from '../../../src/storage/sqlite/messages.ts';
import { evaluationRow } from '../../../src/storage/sqlite/rows.ts';
import { createWriter } from '../../../src/storage/sqlite/writer.ts';
import { scratch } from '../../support/scratch.ts';
import { makeEvaluation } from '../make-evaluation.ts';

it('answers a commit before it writes the log back', () => {
  const path = join(scratch(), 'aegis.db');
  const afterwards: (() => void)[] = [];
  const writer = createWriter(
    path,
    () => undefined,
    (task) => afterwards.push(task),
  );
  onTestFinished(() => writer.close());
  expect(writer.open()).toEqual({ kind: 'opened' });
  const nowMs = performance.now();
  const now = vi.spyOn(performance, 'now').mockReturnValue(nowMs + 60_000);
  onTestFinished(() => now.mockRestore());

  const answer = writer.commit({ ...noRows, evaluations: [evaluationRow(makeEvaluation(), () => '{}')] });

  expect(answer).toBe('same');
  expect(statSync(`${path}-wal`).size).toBeGreaterThan(0);
  for (const task of afterwards) task();
  expect(statSync(`${path}-wal`).size).toBe(0);
});

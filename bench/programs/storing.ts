import Sqlite from 'better-sqlite3';
import type { Evaluation } from '../../src/policy/decision-source.ts';
import { newEvaluationId } from '../../src/scheduler/evaluation-id.ts';
import { openAudit } from './audit-port.ts';
import { doJobs } from './jobs.ts';

/** So many evaluations like this one into a new database; how many a second. */
export interface Storing {
  readonly path: string;
  readonly amount: number;
  readonly evaluation: Evaluation;
}

// At most so many wait, well below the bound at which the queue drops the oldest.
const group = 500;
const groupsAtOnce = 8;

function another(evaluation: Evaluation): Evaluation {
  const wallMs = Date.now();
  return { ...evaluation, id: newEvaluationId(wallMs), evaluatedAt: { wallMs, monotonicMs: performance.now() } };
}

async function throughPort(
  { path, amount, evaluation }: Storing,
  store: (append: () => Promise<unknown>) => Promise<void>,
): Promise<number> {
  const storage = await openAudit(path);
  storage.log.define([{ slo: evaluation.slo, specHash: evaluation.specHash }]);
  const append = () => storage.log.append(another(evaluation));
  await append();
  const startedMs = performance.now();
  await store(append);
  const perSecond = (amount / (performance.now() - startedMs)) * 1000;
  const { stored, dropped } = storage.log.stats();
  await storage.close(20_000);
  if (stored !== amount + 1 || dropped > 0) throw new Error(`${stored} of ${amount + 1} stored, ${dropped} dropped`);
  return perSecond;
}

/** Plain prepared inserts of the row that the port made, into its schema, and nothing else. */
async function plain({ path, amount, evaluation }: Storing, rowsAtOnce: number): Promise<number> {
  const storage = await openAudit(path);
  await storage.log.append(evaluation);
  await storage.close(20_000);
  const db = new Sqlite(path);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = NORMAL');
  const row = db.prepare<[], Record<string, unknown>>('SELECT * FROM evaluations').get() ?? {};
  const columns = Object.keys(row).filter((name) => name !== 'id');
  const values = columns.map((name) => `@${name}`).join(', ');
  const insert = db.prepare(`INSERT INTO evaluations (${columns.join(', ')}) VALUES (${values})`);
  const insertMany = db.transaction((count: number) => {
    for (let index = 0; index < count; index++) insert.run({ ...row, evaluation_id: newEvaluationId(Date.now()) });
  });
  const startedMs = performance.now();
  for (let rows = 0; rows < amount; rows += rowsAtOnce) insertMany(rowsAtOnce);
  const perSecond = (amount / (performance.now() - startedMs)) * 1000;
  db.close();
  return perSecond;
}

doJobs({
  batched: (storing: Storing) =>
    throughPort(storing, async (append) => {
      const groups = Array.from({ length: groupsAtOnce }, async () => {
        for (let rows = 0; rows < storing.amount / groupsAtOnce; rows += group) {
          await Promise.all(Array.from({ length: group }, append));
        }
      });
      await Promise.all(groups);
    }),
  singly: (storing: Storing) =>
    throughPort(storing, async (append) => {
      for (let rows = 0; rows < storing.amount; rows++) await append();
    }),
  plainBatched: (storing: Storing) => plain(storing, 100),
  plainSingly: (storing: Storing) => plain(storing, 1),
});

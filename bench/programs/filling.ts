import { closeSync, fsyncSync, openSync, rmSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import type { Evaluation } from '../../src/policy/decision-source.ts';
import type { Decision } from '../../src/slo/decision.ts';
import { newEvaluationId } from '../../src/scheduler/evaluation-id.ts';
import { openAudit } from './audit-port.ts';
import { doJobs } from './jobs.ts';

/** Thirty days of an audit: 200 SLOs of 40 services in 3 environments. */
export interface Filling {
  readonly path: string;
  readonly evaluations: number;
  readonly decisions: number;
  /** Every row is like this one, but for whose it is, when, and what was decided. */
  readonly evaluation: Evaluation;
}

const spanMs = 30 * 86_400_000;
const slos = 200;

function decisionOf(random: number): Decision {
  return random < 0.9 ? 'ALLOW' : random < 0.98 ? 'WARN' : 'BLOCK';
}

function ownerOf(slo: number) {
  const environment = ['production', 'staging', 'test'][slo % 3] ?? 'test';
  return { slo_id: `slo-${slo}`, service: `service-${slo % 40}`, environment };
}

/** Through the port, as a server writes them. */
async function serve({ path, decisions, evaluation }: Filling): Promise<void> {
  const storage = await openAudit(path);
  await storage.log.append(evaluation);
  const beganMs = Date.now() - spanMs;
  for (let row = 0; row < decisions; row++) {
    storage.activity.served({
      ...{ atMs: Math.floor(beganMs + (row / decisions) * spanMs), sloId: `slo-${Math.floor(Math.random() * slos)}` },
      ...{ decision: decisionOf(Math.random()), evaluationId: evaluation.id, wasForced: false },
      ...{ caller: `pipeline-${row % 20}`, address: '127.0.0.1', requestId: `request-${row}` },
    });
    while (row % 1_000 === 999 && storage.activity.stats().decisions.waiting > 20_000) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  await storage.close(120_000);
}

/**
 * Past the port, with the indexes made at the end: a million rows in half a minute. Without statistics (`ANALYZE`), as a
 * server's database has none.
 */
function evaluate({ path, evaluations }: Filling): void {
  rmSync(`${path}-note`, { force: true }); // of the checkpoint before: this is no change of a server's
  const db = new Sqlite(path);
  db.pragma('journal_mode = MEMORY');
  db.pragma('synchronous = OFF');
  const like = db.prepare<[], Record<string, unknown>>('SELECT * FROM evaluations').get() ?? {};
  const columns = Object.keys(like).filter((name) => name !== 'id');
  const indexes = db
    .prepare<[], { name: string; sql: string }>(
      `SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'evaluations' AND sql IS NOT NULL`,
    )
    .all();
  const insert = db.prepare(
    `INSERT INTO evaluations (${columns.join(', ')}) VALUES (${columns.map((name) => `@${name}`).join(', ')})`,
  );
  const beganMs = Date.now() - spanMs;
  db.transaction(() => {
    for (const { name } of indexes) db.exec(`DROP INDEX ${name}`);
    for (let row = 0; row < evaluations; row++) {
      const atMs = Math.floor(beganMs + (row / evaluations) * spanMs);
      const timestamp = new Date(atMs).toISOString().replace('T', ' ').slice(0, 23);
      const owner = ownerOf(Math.floor(Math.random() * slos));
      const decision = decisionOf(Math.random());
      const own = { ...owner, decision, timestamp, created_at: timestamp, evaluation_id: newEvaluationId(atMs) };
      insert.run({ ...like, ...own });
    }
    for (const { sql } of indexes) db.exec(sql);
  })();
  db.pragma('journal_mode = WAL');
  db.close();
  // Or who opens it next would wait for the disk.
  const file = openSync(path, 'r+');
  fsyncSync(file);
  closeSync(file);
}

doJobs({
  async fill(filling: Filling) {
    await serve(filling);
    evaluate(filling);
  },
});

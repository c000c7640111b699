import Sqlite from 'better-sqlite3';
import { parseEvidence } from '../../src/policy/evidence-form.ts';

/** Of the evaluations stored since then, the share that read a window rather than leaning on what was read before. */
export function shareThatRead(db: string, window: string, sinceMs: number): number {
  const audit = new Sqlite(db, { readonly: true });
  const since = new Date(sinceMs).toISOString().replace('T', ' ').slice(0, 23);
  const statement = audit.prepare('SELECT evidence FROM evaluations WHERE timestamp >= ?').pluck();
  const evidence = statement.all(since).map((text) => parseEvidence(String(text)));
  audit.close();
  const read = evidence.filter((one) => one?.k?.[window] === undefined);
  return read.length / evidence.length;
}

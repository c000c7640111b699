import type { Retention } from '../../ports.ts';
import { instantText } from '../instant-text.ts';
import type { Tally } from './rows.ts';
import type { SweptAudit } from './sweep.ts';

/** Counts what a sweep at this time would delete for its age or number; what it would for size is known only then. */
export function* preview(
  { evaluations, decisions, orders }: SweptAudit,
  { maxAgeMs, maxRows }: Retention,
  nowMs: number,
): Generator<void, Tally> {
  const before = maxAgeMs > 0 ? instantText(nowMs - maxAgeMs) : '';
  const counts: Tally = { evaluation: 0, decision: 0, order: yield* orders.count(before), version: 0 };
  for (const rows of [evaluations, decisions]) {
    const old = yield* rows.count(before);
    const excess = maxRows > 0 ? (yield* rows.count()) - maxRows : 0;
    counts[rows.table.kind] = Math.max(old, excess);
  }
  return counts;
}

import type { Database } from 'better-sqlite3';
import type { Retention } from '../../ports.ts';
import { instantText } from '../instant-text.ts';
import { pagesOf, type Pages } from './pages.ts';
import { sweptRows, type SweptRows, type Tally } from './rows.ts';
import { evaluations, orders, servedDecisions } from './tables.ts';

/** What the write-ahead log may take beside the file, of the size that is allowed to both. */
const logShare = 0.2;
const logBytes = 16 * 1024 * 1024;
/** Beyond its bound it is brought a little below, so that not every minute deletes. */
const roomShare = 0.02;

/** The tables that retention looks after. */
export interface SweptAudit {
  readonly evaluations: SweptRows;
  readonly decisions: SweptRows;
  readonly orders: SweptRows;
  readonly pages: Pages;
}

export function sweptAudit(db: Database, deleted: Tally): SweptAudit {
  return {
    evaluations: sweptRows(db, evaluations, deleted),
    decisions: sweptRows(db, servedDecisions, deleted),
    orders: sweptRows(db, orders, deleted),
    pages: pagesOf(db),
  };
}

export interface Swept {
  readonly givenBackBytes: number;
  /** Every row that may go is gone, and it is larger than it may be. */
  readonly isTooLarge: boolean;
}

/** One sweep: brings the audit within its bounds. Between two slices, each of them one `yield`, other rows are written. */
export function* sweep(
  audit: SweptAudit,
  { maxAgeMs, maxRows, maxBytes }: Retention,
  nowMs: number,
): Generator<void, Swept> {
  const { pages } = audit;
  if (maxAgeMs > 0) {
    const before = instantText(nowMs - maxAgeMs);
    for (const rows of [audit.evaluations, audit.decisions, audit.orders]) yield* rows.remove(Infinity, before);
  }
  // Orders are few, and what is asked for longest: only their age ends them.
  if (maxRows > 0) {
    for (const rows of [audit.evaluations, audit.decisions]) yield* rows.remove((yield* rows.count()) - maxRows);
  }
  const sizeBytes = allowedBytes(maxBytes);
  if (pages.liveBytes() > sizeBytes) yield* removeBeyond(sizeBytes * (1 - roomShare), audit);
  const givenBackBytes = yield* pages.giveBack(sizeBytes);
  return { givenBackBytes, isTooLarge: pages.liveBytes() > sizeBytes };
}

function allowedBytes(maxBytes: number): number {
  return maxBytes === 0 ? Infinity : maxBytes - Math.min(logBytes, maxBytes * logShare);
}

/** Takes the oldest rows, of whichever kind, so that both kinds reach back equally far. */
function* removeBeyond(sizeBytes: number, audit: SweptAudit): Generator<void, void> {
  while (audit.pages.liveBytes() > sizeBytes) {
    const rows = older(audit.evaluations, audit.decisions);
    if (rows === null) return;
    yield* rows.remove(rowsAtOnce);
    yield;
  }
}

const rowsAtOnce = 256;

function older(one: SweptRows, other: SweptRows): SweptRows | null {
  const [oldest, oldestOfOther] = [one.oldest(), other.oldest()];
  if (oldest === null && oldestOfOther === null) return null;
  if (oldest === null) return other;
  return oldestOfOther === null || oldest <= oldestOfOther ? one : other;
}

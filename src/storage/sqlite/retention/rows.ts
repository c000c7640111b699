import type { Database } from 'better-sqlite3';
import type { SweptKind } from '../../ports.ts';
import { slice } from './slices.ts';
import type { SweptTable } from './tables.ts';

// So few that a cold disk cannot hold a slice up for long.
const rowsAPiece = 64;
/** Entries of an index that are counted in one slice. */
const entriesASlice = 20_000;
const afterAllTimes = '\uffff';

/** Rows that were deleted, of each kind. */
export type Tally = Record<SweptKind, number>;

/** One table as a sweep sees it. What is slow is done in slices, each of them one `yield`. */
export interface SweptRows {
  readonly table: SweptTable;
  /** When the oldest row was written, as its text has it; null where there is none. */
  oldest(): string | null;
  /** Deletes the oldest rows, at most so many, and none written at this time or later. */
  remove(atMost: number, before?: string): Generator<void, void>;
  /** Counts the rows that were written before this time. */
  count(before?: string): Generator<void, number>;
}

export function sweptRows(db: Database, table: SweptTable, deleted: Tally): SweptRows {
  const { name, timeColumn: time, idColumn: id } = table;
  const oldest = db.prepare<[], string | number>(`SELECT ${time} FROM ${name} ORDER BY ${time} LIMIT 1`).pluck();
  const remove = db.prepare<[string, number]>(
    `DELETE FROM ${name} WHERE ${id} IN (SELECT ${id} FROM ${name} WHERE ${time} < ? ORDER BY ${time} LIMIT ?)`,
  );
  const behind = `FROM ${name} WHERE (${time}, ${id}) > (@time, @id) AND ${time} < @before`;
  const place = db.prepare<[Place & { before: string }], Place>(
    `SELECT ${time} AS time, ${id} AS id ${behind} ORDER BY ${time}, ${id} LIMIT 1 OFFSET ${entriesASlice - 1}`,
  );
  const rest = db.prepare<[Place & { before: string }], number>(`SELECT count(*) ${behind}`).pluck();

  return {
    table,
    oldest() {
      const text = oldest.get();
      return text === undefined ? null : String(text);
    },
    *remove(atMost, before = afterAllTimes) {
      let removed = 0;
      const piece = () => {
        const { changes } = remove.run(before, Math.min(rowsAPiece, atMost - removed));
        removed += changes;
        return changes < rowsAPiece || removed >= atMost ? 'done' : 'more';
      };
      while (removed < atMost) {
        const removedBefore = removed;
        const found = slice(db, piece);
        deleted[table.kind] += removed - removedBefore;
        if (found === 'done') return;
        yield;
      }
    },
    *count(before = afterAllTimes) {
      let counted = 0;
      let from: Place = { time: '', id: '' };
      for (;;) {
        const next = place.get({ ...from, before });
        if (next === undefined) return counted + (rest.get({ ...from, before }) ?? 0);
        counted += entriesASlice;
        from = next;
        yield;
      }
    },
  };
}

interface Place {
  readonly time: string;
  readonly id: string | number;
}

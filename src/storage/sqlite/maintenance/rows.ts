import Sqlite, { type Database, type Statement } from 'better-sqlite3';
import { firstBehind, keysOf, type RowKeys } from './row-keys.ts';
import { quotedName } from './tables.ts';

export type Value = string | number | bigint | Buffer | null;

/** A table in the order of its keys. */
export interface WalkedTable {
  readonly name: string;
  /** The statement that made it. */
  readonly sql: string;
  readonly columns: readonly string[];
  /**
   * Its rows, some at a time, a value a column. Behind pages that cannot be read it goes on, and tells of the gap. No
   * transaction stands between two of them: however slowly they are taken, the log of a running server does not wait.
   */
  rows(onGap: (gap: string) => void): Generator<readonly (readonly Value[])[]>;
}

const rowsAtOnce = 200;

export function walkTable(db: Database, name: string, sql: string): WalkedTable {
  const keys = keysOf(sql);
  const columns = db.prepare('SELECT name FROM pragma_table_info(?)').pluck().all(name).map(String);
  const select = (operator: string) =>
    db
      .prepare<[unknown, number], Value[]>(
        `SELECT ${keys.column}, * FROM ${quotedName(name)} WHERE ${keys.column} ${operator} ? ORDER BY ${keys.column} LIMIT ?`,
      )
      .raw()
      .safeIntegers(); // none is rounded
  const reading = { keys, from: select('>='), behind: select('>') };
  return { name, sql, columns, rows: (onGap) => rowsOf(reading, onGap) };
}

type Select = Statement<[unknown, number], Value[]>;

interface Reading {
  readonly keys: RowKeys;
  readonly from: Select;
  readonly behind: Select;
}

function* rowsOf({ keys, from, behind }: Reading, onGap: (gap: string) => void) {
  let [select, key, atOnce]: [Select, unknown, number] = [from, leastOf(keys), rowsAtOnce];
  for (;;) {
    const rows = readable(select, key, atOnce);
    if (rows !== null) {
      const last = rows.at(-1);
      if (last === undefined) return;
      [select, key, atOnce] = [behind, last[0], Math.min(atOnce * 2, rowsAtOnce)];
      yield rows.map(([, ...values]) => values);
    } else if (atOnce > 1) {
      atOnce = 1; // up to the very row that cannot be read
    } else {
      const number = Math.max(keys.numberOf(key), 0);
      const next = firstBehind(keys, number, (at) => readable(from, at, 1) !== null);
      const end = next === null ? 'the end' : `before ${keys.column} ${keys.at(next)}`;
      onGap(`from ${keys.column} ${keys.at(number)} to ${end}`);
      if (next === null) return;
      [select, key, atOnce] = [from, keys.at(next), rowsAtOnce];
    }
  }
}

function leastOf(keys: RowKeys): unknown {
  return keys.column === 'rowid' ? BigInt(Number.MIN_SAFE_INTEGER) : '';
}

/** null where they cannot be read: the page is damaged, or cut off. Other errors are thrown. */
function readable(select: Select, key: unknown, atOnce: number): Value[][] | null {
  try {
    return select.all(key, atOnce);
  } catch (error) {
    if (error instanceof Sqlite.SqliteError && /^SQLITE_(CORRUPT|IOERR|NOTADB)/.test(error.code)) return null;
    throw error;
  }
}

/** The keys of a table as numbers, so that rows behind a damaged page can be looked for without reading up to them. */
export interface RowKeys {
  /** The column, as SQL. */
  readonly column: string;
  /** The least key of this number. */
  readonly at: (number: number) => string | bigint;
  readonly numberOf: (key: unknown) => number;
  readonly greatest: number;
}

const rowIds: RowKeys = {
  column: 'rowid',
  at: BigInt,
  numberOf: Number,
  greatest: Number.MAX_SAFE_INTEGER,
};

/** In our tables without row ids the key is a UUIDv7: its first twelve digits are the time in milliseconds. */
const timeOrderedIds: RowKeys = {
  column: 'id',
  at(number) {
    const digits = number.toString(16).padStart(12, '0');
    return `${digits.slice(0, 8)}-${digits.slice(8)}`;
  },
  numberOf: (key) => Number.parseInt(String(key).replaceAll('-', '').slice(0, 12), 16) || 0,
  greatest: 2 ** 48 - 1,
};

/** By the statement that made the table. */
export function keysOf(createTable: string): RowKeys {
  return /WITHOUT\s+ROWID\s*;?\s*$/i.test(createTable) ? timeOrderedIds : rowIds;
}

const probedOneByOne = 2_000;

/**
 * The least number, as far as can be told, from which on rows can be read again; null where there are none. A page is
 * left behind one by one, a large hole in steps that double, and then its end is found by halves.
 */
export function firstBehind(keys: RowKeys, number: number, canRead: (from: string | bigint) => boolean): number | null {
  let damaged = number;
  for (let step = 1; damaged < keys.greatest;) {
    const next = Math.min(damaged + step, keys.greatest);
    if (canRead(keys.at(next))) return firstBetween(keys, damaged, next, canRead);
    damaged = next;
    if (damaged - number > probedOneByOne) step *= 2;
  }
  return null;
}

function firstBetween(keys: RowKeys, from: number, to: number, canRead: (from: string | bigint) => boolean): number {
  let [damaged, sound] = [from, to];
  while (sound - damaged > 1) {
    const middle = damaged + Math.floor((sound - damaged) / 2);
    if (canRead(keys.at(middle))) sound = middle;
    else damaged = middle;
  }
  return sound;
}

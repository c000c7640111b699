import type { Database } from 'better-sqlite3';
import { rfc3339 } from '../instant-text.ts';
import { tableNames } from '../migrations.ts';

/** A table as it is at one instant. */
export interface TableContents {
  readonly name: string;
  readonly rows: number;
  /** RFC 3339; null where it has no rows, or no instants that we know of. */
  readonly oldest: string | null;
  readonly newest: string | null;
}

/** The instant of a row, by table. Where a table grows, an index has it. */
const instantColumns: Readonly<Record<string, string>> = {
  evaluations: 'timestamp',
  served_decisions: 'timestamp',
  orders: 'timestamp',
  latest_state: 'timestamp',
  slo_definitions: 'updated_at',
  slo_versions: 'first_seen',
  schema_migrations: 'applied_at',
};

export function contentsOf(db: Database): readonly TableContents[] {
  return tableNames(db).map((name) => {
    const first = (what: string): unknown =>
      db
        .prepare(`SELECT ${what} FROM ${quotedName(name)}`)
        .pluck()
        .get();
    const column = instantColumns[name];
    // Two statements: for both at once SQLite reads the whole table.
    const instant = (which: 'min' | 'max') => (column === undefined ? null : instantOf(first(`${which}(${column})`)));
    return { name, rows: Number(first('count(*)')), oldest: instant('min'), newest: instant('max') };
  });
}

function instantOf(value: unknown): string | null {
  return typeof value === 'string' ? rfc3339(value) : null;
}

export function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

import type { Database, Statement } from 'better-sqlite3';

const statements = new WeakMap<Database, Map<string, Statement>>();
/** Texts of statements are few: what differs between questions is bound. */
const mostStatements = 500;

/** The statement of a connection, prepared when it is first asked for. */
export function prepared(db: Database, sql: string): Statement {
  const known = statements.get(db) ?? new Map<string, Statement>();
  statements.set(db, known);
  const made = known.get(sql) ?? db.prepare(sql);
  if (known.size < mostStatements) known.set(sql, made);
  return made;
}

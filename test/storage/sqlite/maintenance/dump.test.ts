import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dump } from '../../../../src/storage/sqlite/maintenance/dump.ts';
import { firstBehind, keysOf } from '../../../../src/storage/sqlite/maintenance/row-keys.ts';
import { scratch } from '../../../support/scratch.ts';
import { closedDatabase, everythingBeside, rowsOf } from './databases.ts';

async function dumped(file: string, format: 'jsonl' | 'csv' | 'sql', tables?: readonly string[]) {
  const gaps: string[] = [];
  let text = '';
  const write = (piece: string) => {
    text += piece;
    return Promise.resolve(true);
  };
  const absent = await dump({ file, format, tables, write, onGap: (gap) => gaps.push(gap) });
  return { text, gaps, absent };
}

const pageBytes = 4096;

/** The leaf pages of a table. */
function leavesOf(path: string, table: string): number[] {
  const db = new Sqlite(path, { readonly: true });
  const pages = db.prepare(`SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path`);
  const numbers = pages.pluck().all(table) as number[];
  db.close();
  return numbers;
}

function damage(path: string, pages: readonly number[]): void {
  const bytes = readFileSync(path);
  for (const page of pages) bytes.fill(0xff, (page - 1) * pageBytes, page * pageBytes);
  writeFileSync(path, bytes);
}

describe('a dump', () => {
  it('as SQL makes the same database anew', async () => {
    const path = await closedDatabase(450);
    const db = new Sqlite(path);
    const odd = ["it's", 'two\nlines', 'a NUL \0 within', '', '"quoted"', '☂'];
    for (const [index, text] of odd.entries())
      db.prepare('UPDATE evaluations SET service = ? WHERE id = ?').run(text, index + 1);
    db.exec(`UPDATE evaluations SET sli = 0.1, error_rate = 1e-300, budget_remaining = 1 WHERE id = 7;
      UPDATE evaluations SET spec_hash = X'00ff' WHERE id = 8; UPDATE evaluations SET id = 9007199254740993 WHERE id = 9`);
    db.close();
    const before = everythingBeside(path);
    const { text, gaps } = await dumped(path, 'sql');
    expect(gaps).toEqual([]);
    expect(everythingBeside(path)).toEqual(before);
    const again = join(scratch(), 'again.db');
    const copy = new Sqlite(again);
    copy.exec(text);
    const schema = (one: Sqlite.Database) =>
      one.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY name').all();
    const source = new Sqlite(path);
    expect(schema(copy)).toEqual(schema(source));
    expect(copy.pragma('user_version')).toEqual(source.pragma('user_version'));
    source.close();
    copy.close();
    expect(rowsOf(again)).toEqual(rowsOf(path));
  });

  it('as JSON lines has every row with the name of its table, of one table or of all', async () => {
    const path = await closedDatabase(30);
    const { text } = await dumped(path, 'jsonl');
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { table: string });
    for (const [table, expected] of Object.entries(rowsOf(path))) {
      if (table === 'sqlite_sequence') continue;
      expect(lines.filter((line) => line.table === table)).toEqual(
        expected.map((row) => ({ table, ...(row as object) })),
      );
    }
    const one = await dumped(path, 'jsonl', ['orders']);
    expect(one.text.trimEnd().split('\n')).toHaveLength(1);
    expect(await dumped(path, 'jsonl', ['order'])).toMatchObject({ text: '', absent: { missing: ['order'] } });
  });

  it('as CSV quotes what has to be', async () => {
    const path = await closedDatabase(1);
    const db = new Sqlite(path);
    db.exec(`UPDATE orders SET outcome = 'a "b", c'`);
    db.close();
    const [head, row] = (await dumped(path, 'csv', ['orders'])).text.split('\r\n');
    expect(head).toBe('id,timestamp,request,parameters_json,outcome,caller,address,request_id');
    expect(row).toContain(',"{""level"":""debug""}","a ""b"", c",ops,');
  });

  it('ends where its reader has gone', async () => {
    const path = await closedDatabase(450);
    let pieces = 0;
    const write = () => Promise.resolve(++pieces < 2);
    await dump({ file: path, format: 'jsonl', tables: undefined, write, onGap: () => undefined });
    expect(pieces).toBe(2);
  });
});

describe('a dump of a damaged database', () => {
  const idsIn = (text: string, key: string) =>
    text
      .trimEnd()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as Record<string, unknown>)[key]);

  it.each([
    ['evaluations', 'evaluation_id'],
    ['served_decisions', 'id'],
  ])('has every row of %s that is on a page that can be read', async (table, key) => {
    const path = await closedDatabase(900);
    if (table === 'served_decisions') {
      // As they come in a day: an id a minute, not all of them in the same millisecond.
      const db = new Sqlite(path);
      const ids = db.prepare('SELECT id FROM served_decisions ORDER BY id').pluck().all() as string[];
      const move = db.prepare('UPDATE served_decisions SET id = ? WHERE id = ?');
      for (const [index, id] of ids.entries())
        move.run((0x2000000 + index).toString(16).padStart(8, '0') + id.slice(8), id);
      db.close();
    }
    const whole = idsIn((await dumped(path, 'jsonl', [table])).text, key);
    expect(whole).toHaveLength(900);
    const leaves = leavesOf(path, table);
    const bad = [leaves[2]!, leaves[3]!, leaves[20]!, leaves.at(-1)!];
    damage(path, bad);
    const { text, gaps } = await dumped(path, 'jsonl', [table]);
    const found = idsIn(text, key);
    expect(gaps).toHaveLength(3);
    expect(gaps[0]).toMatch(new RegExp(`^${table}: cannot be read from`));
    expect(gaps[2]).toMatch(/to the end$/);
    const rowsPerLeaf = Math.ceil(900 / leaves.length) + 4;
    expect(found.length).toBeGreaterThanOrEqual(900 - bad.length * rowsPerLeaf);
    expect(found.length).toBeLessThan(900);
    expect(found).toEqual(whole.filter((id) => found.includes(id)));
  });

  it('goes on with the other tables, and reads what is left of a file that was cut off', async () => {
    const path = await closedDatabase(900);
    const leaves = leavesOf(path, 'evaluations');
    truncateSync(path, (leaves[Math.floor(leaves.length / 2)]! - 1) * pageBytes);
    const { text, gaps } = await dumped(path, 'jsonl');
    expect(gaps.length).toBeGreaterThan(0);
    expect(text.match(/^\{"table":"evaluations"/gm)?.length ?? 0).toBeGreaterThan(300);
  });
});

describe('the first key behind a gap', () => {
  const keys = keysOf('CREATE TABLE t (id INTEGER PRIMARY KEY)');

  it('is the end of the gap, however long it is', () => {
    fc.assert(
      fc.property(fc.nat(1e9), fc.integer({ min: 1, max: 1e12 }), (start, length) => {
        expect(firstBehind(keys, start, (key) => Number(key) > start + length)).toBe(start + length + 1);
      }),
    );
  });

  it('is none where nothing can be read any more', () => {
    expect(firstBehind(keys, 17, () => false)).toBeNull();
  });
});

import Sqlite, { type Database } from 'better-sqlite3';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { instantText, rfc3339 } from '../../../src/storage/sqlite/instant-text.ts';
import {
  defineRecordFunctions,
  type Field,
  flag,
  instant,
  json,
  number,
  recordSql,
  text,
} from '../../../src/storage/sqlite/record.ts';

let db: Database;

beforeAll(() => {
  db = new Sqlite(':memory:');
  defineRecordFunctions(db);
});

/** The record of a row of one value, `x`. */
function recordOf(field: Field, x: unknown): unknown {
  const sql = `SELECT ${recordSql([field])} FROM (SELECT ? AS x)`;
  return (JSON.parse(String(db.prepare(sql).pluck().get(x))) as Record<string, unknown>)[field.name];
}

/** Whatever a person may have put into a column. */
const anything = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.json(),
  fc.double(),
  fc.constant(null),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
);

describe('a record made by SQLite', () => {
  it('has texts as they are, whatever is in them', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        expect(recordOf(text('a', 'x'), value)).toBe(value);
      }),
      { numRuns: 1_000 },
    );
  });

  it('has numbers in the digits of JavaScript, and null for what JSON has no number for', () => {
    const sql = `SELECT ${recordSql([number('a', 'x')])} FROM (SELECT ? AS x)`;
    fc.assert(
      fc.property(fc.oneof(fc.double(), fc.integer(), fc.constant(null)), (value) => {
        expect(db.prepare(sql).pluck().get(value)).toBe(JSON.stringify({ a: value }));
      }),
    );
  });

  it('has JSON as it stands, and something else for a text that is none', () => {
    const field = json('a', 'x', `'{}'`);
    fc.assert(
      fc.property(fc.json(), (value) => {
        expect(recordOf(field, value)).toEqual(JSON.parse(value));
      }),
    );
    for (const broken of ['', '{', '{a:1}', "['x']", '[1,]', '[01]', 'NaN', '"\n"', null]) {
      expect(recordOf(field, broken), String(broken)).toEqual({});
    }
    expect(recordOf(json('a', 'x', `json_array(5)`), null)).toEqual([5]);
    expect(recordOf(field, '[1]\u0000,')).toEqual([1]);
  });

  it('stays on one line', () => {
    const sql = `SELECT ${recordSql([json('a', 'x', `'{}'`), text('b', 'x')])} FROM (SELECT ? AS x)`;
    expect(db.prepare(sql).pluck().get('[1,\r\n 2]')).toBe('{"a":[1,2],"b":"[1,\\r\\n 2]"}');
  });

  it('has instants in RFC 3339, in whatever form they were written', () => {
    const forms = fc
      .date({ min: new Date(0), max: new Date('9999-01-01'), noInvalidDate: true })
      .chain((at) => fc.constantFrom(instantText(at.getTime()), at.toISOString(), String(at)));
    fc.assert(
      fc.property(forms, (value) => {
        expect(recordOf(instant('a', 'x'), value)).toBe(rfc3339(value));
      }),
    );
  });

  it('has only 0 and nothing for false', () => {
    expect([0, null, 1, 2].map((value) => recordOf(flag('a', 'x'), value))).toEqual([false, false, true, true]);
  });

  it('can be read whatever a column holds', () => {
    const fields = [text('a', 'x'), number('b', 'x'), json('c', 'x', `'[]'`), instant('d', 'x'), flag('e', 'x')];
    fc.assert(
      fc.property(anything, (value) => {
        for (const field of fields) recordOf(field, value);
      }),
    );
  });
});

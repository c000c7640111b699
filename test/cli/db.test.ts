import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import type { DatabaseStats } from '../../src/storage/sqlite/maintenance/stats.ts';
import { scratch } from '../support/scratch.ts';
import { aegis } from './aegis.ts';

const cli = new URL('../../dist/cli.js', import.meta.url).pathname;

/** A database of version 2 with 15 evaluations, in a directory of its own. */
function database(): { directory: string; path: string } {
  const directory = scratch();
  const path = join(directory, 'aegis.db');
  copyFileSync('test/data/databases/version-2.db', path);
  return { directory, path };
}

describe('aegis db', () => {
  it('finds the database as aegis-server does: --db, else DB_PATH, else aegis.db here', async () => {
    const { directory, path } = database();
    const isIntact = { code: 0, err: '', out: expect.stringContaining(`"file": "${path}"`) as string };
    expect(await aegis(['db', 'verify', '--db', path])).toMatchObject(isIntact);
    expect(await aegis(['db', 'verify'], { DB_PATH: path })).toMatchObject(isIntact);
    expect(execFileSync(process.execPath, [cli, 'db', 'verify'], { cwd: directory, encoding: 'utf8' })).toContain(path);
  });

  it.each<[string[], number, RegExp]>([
    [['backup'], 2, /^aegis db: --to: missing/],
    [['backup', '--to', 'aegis.db'], 2, /aegis\.db": it is the database itself\n$/],
    [['backup', '--to', 'copy.db', '--db', 'none.db'], 3, /^aegis db backup: none\.db: there is no such file\n$/],
    [['verify', 'text.db'], 1, /^aegis db verify: text\.db is not a database/],
    [['verify', 'none.db'], 3, /there is no such file/],
    [['verify', 'aegis.db', '--db', 'aegis.db'], 2, /two files are named/],
    [['restore'], 2, /^aegis db: --from: missing/],
    [['restore', '--from', 'text.db'], 1, /is not a database/],
    [['restore', '--from', 'none.db'], 3, /there is no such file/],
    [['dump', '--format', 'csv'], 2, /--format csv: needs one --table/],
    [['dump', '--table', 'evaluation'], 2, /--table: evaluation: there is no such table, but .*evaluations/],
    [['dump', '--db', 'text.db'], 3, /is not a database/],
    [['stats', '--db', 'none.db'], 3, /there is no such file/],
  ])('%j exits %i and says why in one line', async (words, code, message) => {
    const { directory, path } = database();
    writeFileSync(join(directory, 'text.db'), 'text\n'.repeat(100));
    const named = words.map((word) => (/^\w+\.db$/.test(word) ? join(directory, word) : word));
    const ran = await aegis(['db', ...named], { DB_PATH: path });
    expect(ran).toMatchObject({ code, out: '' });
    expect(ran.err.replaceAll(`${directory}/`, '')).toMatch(message);
    expect(ran.err).toMatch(/^[^\n]+\n$/);
    expect(readdirSync(directory).sort()).toEqual(['aegis.db', 'text.db']);
  });

  it('verify tells a person what is in a damaged database, and exits 1', async () => {
    const { path } = database();
    const whole = await aegis(['db', 'verify', path, '--format', 'text']);
    expect(whole.out).toMatch(/aegis\.db: intact\n140 KiB, schema version 2\n\nTABLE +ROWS +OLDEST +NEWEST\n/);
    expect(whole.out).toMatch(/\nevaluations +15 +2026-11-21T21:42:35\.169Z +2026-11-21T21:42:52\.743Z\n/);
    const db = new Sqlite(path);
    const leaf = db
      .prepare(`SELECT max(pageno) FROM dbstat WHERE name = 'evaluations' AND pagetype = 'leaf'`)
      .pluck()
      .get();
    db.close();
    const bytes = readFileSync(path);
    bytes.fill(0xff, (Number(leaf) - 1) * 4096, Number(leaf) * 4096);
    writeFileSync(path, bytes);
    const damaged = await aegis(['db', 'verify', path, '--format', 'text']);
    expect(damaged).toMatchObject({ code: 1, err: '' });
    expect(damaged.out).toMatch(/aegis\.db: DAMAGED\n {2}\S/);
    const dumped = await aegis(['db', 'dump', '--db', path]);
    expect(dumped.code).toBe(1);
    expect(dumped.err).toMatch(/^aegis db dump: \w+: cannot be read from/);
    expect(dumped.out).toContain('{"table":');
  });

  it('verify reads in a directory that it cannot write to', () => {
    const { directory, path } = database();
    const isRoot = process.getuid?.() === 0;
    if (isRoot) chownSync(directory, 0, 0);
    chmodSync(directory, 0o555);
    const nobody = isRoot ? { uid: 65_534, gid: 65_534 } : {};
    const words = [cli, 'db', 'verify', path];
    const out = execFileSync(process.execPath, words, { encoding: 'utf8', cwd: '/', ...nobody });
    chmodSync(directory, 0o755);
    expect(JSON.parse(out)).toMatchObject({ isIntact: true, version: 2 });
    expect(readdirSync(directory)).toEqual(['aegis.db']);
  });

  it('dump to a reader that has enough ends well', () => {
    const { path } = database();
    const db = new Sqlite(path);
    db.exec(`WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 200)
      INSERT INTO evaluations (slo_id, service, environment, decision, reasons_json, burn_rates_json, timestamp)
      SELECT slo_id, service, environment, decision, reasons_json, burn_rates_json, timestamp FROM evaluations, n`);
    db.close();
    const line = `set -o pipefail; "${process.execPath}" "${cli}" db dump --db "${path}" | head -n 1`;
    expect(execFileSync('/bin/bash', ['-c', line], { encoding: 'utf8' })).toMatch(
      /^\{"table":"slo_definitions".*\}\n$/,
    );
  });

  it('stats counts rows, bytes and days', async () => {
    const { path } = database();
    const db = new Sqlite(path);
    const today = new Date().toISOString().slice(0, 10);
    db.exec(`UPDATE evaluations SET timestamp = iif(id <= 5, '${today}', '2020-01-01') || ' 00:00:00.000'`);
    db.close();
    const { code, out } = await aegis(['db', 'stats', '--db', path, '--top', '2', '--format', 'json']);
    const stats = JSON.parse(out) as DatabaseStats;
    expect(code).toBe(0);
    expect(stats).toMatchObject({
      version: 2,
      slos: [
        { sloId: 'healthy', evaluations: 5 },
        { sloId: 'fast-burn', evaluations: 3 },
      ],
    });
    expect(stats.pages * stats.pageBytes).toBe(stats.bytes);
    expect(stats.tables.find(({ name }) => name === 'evaluations')).toMatchObject({ rows: 15, bytesPerRow: 3004 });
    expect(stats.tables.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(stats.bytes);
    expect(stats.days.find(({ day }) => day === today)).toMatchObject({ evaluations: 5 });
    expect((await aegis(['db', 'stats', '--db', path, '--format', 'text'])).out).toMatch(/\nhealthy +5\n/);
  });
});

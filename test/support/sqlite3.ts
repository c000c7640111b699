import { execFileSync, spawnSync } from 'node:child_process';

/** The sqlite3 shell: another process with SQLite code of its own, as operators use it. */
export const hasSqlite3 = spawnSync('sqlite3', ['--version']).status === 0;

if (!hasSqlite3 && process.env.AEGIS_TEST_REQUIRE_SERVICES === '1') {
  throw new Error('the sqlite3 shell is not installed, and AEGIS_TEST_REQUIRE_SERVICES=1 asks for it');
}

/** Runs statements and gives the lines that the shell printed. Throws with its own words where one fails. */
export function shell(path: string, sql: string): string[] {
  const printed = execFileSync('sqlite3', ['-cmd', '.timeout 10000', path], {
    input: sql,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  return printed.split('\n').filter((line) => line !== '');
}

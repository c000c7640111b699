import { execFileSync } from 'node:child_process';
import { copyFileSync, rmSync } from 'node:fs';

/** Runs statements in the sqlite3 shell, another process with SQLite code of its own. Throws with its words. */
export function shell(path: string, sql: string): string[] {
  const printed = execFileSync('sqlite3', ['-cmd', '.timeout 10000', path], {
    input: sql,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  return printed.split('\n').filter((line) => line !== '');
}

/** The evaluation ids in the file itself, sorted; asked of a copy, so that nothing is applied to it or made beside it. */
export function idsInFile(path: string): string[] {
  const copy = `${path}.looked-at`;
  copyFileSync(path, copy);
  try {
    const [integrity, ...ids] = shell(
      copy,
      'PRAGMA integrity_check; SELECT evaluation_id FROM evaluations ORDER BY evaluation_id;',
    );
    if (integrity !== 'ok') throw new Error(`${path}: integrity_check says ${integrity}`);
    return ids;
  } finally {
    for (const end of ['', '-wal', '-shm']) rmSync(copy + end, { force: true });
  }
}

import { spawn } from 'node:child_process';
import { expect, onTestFinished } from 'vitest';
import { eventually } from './eventually.ts';

/** A sqlite3 shell that stays in the database, as an operator's does. */
export interface ShellSession {
  /** Resolves when the shell has run the statements. */
  run(sql: string): Promise<void>;
  /** SIGKILL: it leaves everything as it is at that moment. */
  kill(): Promise<void>;
}

export function openShell(path: string): ShellSession {
  const child = spawn('sqlite3', ['-cmd', '.timeout 10000', path], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let printed = '';
  child.stdout.on('data', (text) => (printed += String(text)));
  let asked = 0;
  return {
    async run(sql) {
      const mark = `ran ${++asked}.`;
      child.stdin.write(`${sql}\n.print ${mark}\n`);
      await eventually(() => expect(printed).toContain(mark));
    },
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}

import type { Option } from 'commander';
import { path } from '../config/parsers.ts';
import { AegisError, messageOf } from '../errors.ts';
import { visible } from '../telemetry/visible.ts';
import type { ExitCode } from './command.ts';
import { exitCodes, flag } from './command.ts';
import type { Terminal } from './terminal.ts';

/** `--db`, as aegis-server has it. */
export function dbFlag(take: (file: string) => void): Option {
  return flag('--db', 'file', 'the database [aegis.db; DB_PATH]', path, take);
}

export function dbOf({ env }: Terminal, given: string | undefined): string {
  const { DB_PATH: told = '' } = env;
  return given ?? (told === '' ? 'aegis.db' : told);
}

/** Runs what a command does; says in one line why it could not, and with which code to exit. */
export async function orComplain(
  terminal: Terminal,
  name: string,
  codes: { readonly unusable: ExitCode; readonly unreadable: ExitCode },
  run: () => Promise<ExitCode>,
): Promise<ExitCode> {
  try {
    return await run();
  } catch (error) {
    const code = error instanceof AegisError ? error.code : undefined;
    if (code === 'invalid_setting') throw error;
    await terminal.err(`aegis db ${name}: ${visible(messageOf(error))}\n`);
    if (code === 'database_unusable') return codes.unusable;
    return code === 'audit_unavailable' ? codes.unreadable : exitCodes.negative;
  }
}

/** Gives a signal that Ctrl-C and SIGTERM abort, so that what was begun is taken away before the end. */
export async function interruptible<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interrupted = new AbortController();
  const abort = () => interrupted.abort();
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, abort);
  try {
    return await run(interrupted.signal);
  } finally {
    for (const signal of signals) process.off(signal, abort);
  }
}

const redrawMs = 200;

export interface Progress {
  readonly onProgress: (donePages: number, pages: number) => void;
  /** Takes the line away. */
  readonly end: () => Promise<void>;
}

/** One line that is drawn over itself, for a person; nothing in a pipe. */
export function progressOf(terminal: Terminal, name: string): Progress {
  if (!terminal.isTerminal || !process.stderr.isTTY)
    return { onProgress: () => undefined, end: () => Promise.resolve() };
  let drawnAtMs = -Infinity;
  const onProgress = (done: number, pages: number) => {
    if (performance.now() - drawnAtMs < redrawMs) return;
    drawnAtMs = performance.now();
    void terminal.err(`\raegis db ${name}: ${Math.floor((done / pages) * 100)} % of ${pages} pages `);
  };
  return { onProgress, end: () => terminal.err('\r\u001b[K') };
}

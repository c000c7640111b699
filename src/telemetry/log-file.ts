import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { AegisError, messageOf } from '../errors.ts';
import { createOutput, type Output } from './output.ts';

/** A file that the log is written to in place of standard output. */
export interface LogFile {
  readonly output: Output;
  /** Writes what waits to the file as it is, and goes on in the one that has its path now: after logrotate has moved it. */
  reopen(): void;
}

const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = constants;
// Appending, so that a file that is cut to nothing (`copytruncate`) grows from its start again. A FIFO that nobody reads
// must not hold the start, hence without blocking.
const flags = O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK;
const mode = 0o640;
const complainEveryMs = 60_000;

/**
 * A write is a synchronous call, as on standard output: some microseconds into the page cache, 8 KiB at a time, and
 * nothing is half under way when the process ends. What a full disk does not take waits in memory, is dropped beyond the
 * output's bound, and is told of on standard error.
 */
export function openLogFile(path: string, complain: (text: string) => void = onStandardError): LogFile {
  let fd = openAtStart(path);
  let complainedMs = -Infinity;

  function write(bytes: Uint8Array): number {
    try {
      // A file that was deleted, perhaps with its directory, would go on taking lines that nobody can read.
      if (fstatSync(fd).nlink === 0) replace();
      return writeSync(fd, bytes);
    } catch (error) {
      // Without a code, so that it counts as full, not as gone for ever: the lines wait and it is tried again.
      throw new Error(reasonOf(error), { cause: error });
    }
  }

  function replace(): void {
    const next = openSync(path, flags, mode);
    closeSync(fd);
    fd = next;
  }

  const output = createOutput(-1, {
    writeBytes: write,
    onRefused(error, dropped) {
      const nowMs = performance.now();
      if (nowMs - complainedMs < complainEveryMs) return;
      complainedMs = nowMs;
      complain(`cannot write the log file ${path}: ${messageOf(error)}; lines wait in memory, ${dropped} were dropped`);
    },
  });

  return {
    output,
    reopen() {
      output.flush(0);
      try {
        replace();
      } catch (error) {
        complain(`cannot open the log file ${path} again: ${reasonOf(error)}; it goes on in the old one`);
      }
    },
  };
}

function openAtStart(path: string): number {
  try {
    return openSync(path, flags, mode);
  } catch (error) {
    throw new AegisError(
      'invalid_setting',
      `--log-file: cannot open ${path}: ${reasonOf(error)}: it has to be a file in a directory that exists and that this user may write to`,
      { cause: error },
    );
  }
}

/** Node's message without the call and the path, which are said already. */
function reasonOf(error: unknown): string {
  return messageOf(error).replace(/, [a-z]+(?: '.*')?$/, '');
}

function onStandardError(text: string): void {
  try {
    // Touching process.stderr makes a pipe on its descriptor one that does not block.
    writeSync(process.stderr.fd, `aegis-server: ${text}\n`);
  } catch {
    // Nobody listens there either; the log itself tells how many lines it lacks.
  }
}

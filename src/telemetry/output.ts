import { writeSync } from 'node:fs';

/** Takes whole lines, in order. Never throws, and never waits for a reader that has stopped reading. */
export interface Output {
  write(line: string, urgency: 'buffered' | 'now'): void;
  /** Writes what waits; gives up after the bound, when nobody reads. */
  flush(boundMs: number): void;
  /** Lines that found no place since the last call; 0 while there is no place for telling it either. */
  takeDropped(): number;
}

export interface OutputOptions {
  /** Bytes that are gathered before a write. */
  readonly minLength?: number;
  /** The longest that a line waits for others. */
  readonly flushEveryMs?: number;
  /** Bytes that wait for a reader; beyond it lines are dropped and counted. */
  readonly maxLength?: number;
  /** Writes bytes to the file descriptor and says how many it took; throws like `fs.writeSync`. */
  readonly writeBytes?: (bytes: Uint8Array) => number;
  /** Told of each write that failed, after which the rest waits, with the lines that were dropped and not yet told of. */
  readonly onRefused?: (error: unknown, dropped: number) => void;
}

/**
 * Buffered output on a file descriptor. Writes are synchronous calls on a descriptor that does not block (Node makes
 * the pipes of standard output so, once `process.stdout` was touched): a stopped reader costs no evaluation, nothing is
 * half under way when the process ends, and a full pipe shows as EAGAIN, after which the rest waits.
 */
export function createOutput(fd: number, options: OutputOptions = {}): Output {
  const { minLength = 8192, flushEveryMs = 500, maxLength = 8 * 1024 * 1024 } = options;
  const writeBytes = options.writeBytes ?? ((bytes: Uint8Array) => writeSync(fd, bytes));
  let waiting: string[] = [];
  let waitingLength = 0;
  // Bytes of lines that a full pipe has not taken yet, the first perhaps in part.
  let rest: Uint8Array = new Uint8Array(0);
  let dropped = 0;
  let broken = false;
  let timer: NodeJS.Timeout | undefined;

  /** Writes until all is written or the descriptor takes no more; says which. */
  const drain = (): 'done' | 'full' => {
    for (;;) {
      if (rest.length === 0) {
        if (waiting.length === 0) return 'done';
        rest = Buffer.from(waiting.join(''));
        waiting = [];
        waitingLength = 0;
      }
      try {
        rest = rest.subarray(writeBytes(rest));
      } catch (error) {
        if (!isBrokenPipe(error)) {
          options.onRefused?.(error, dropped);
          return 'full';
        }
        // Nobody will ever read this again; the server goes on without a log.
        broken = true;
        rest = new Uint8Array(0);
        waiting = [];
        waitingLength = 0;
        return 'done';
      }
    }
  };

  const drainLater = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      if (drain() === 'full') drainLater();
    }, flushEveryMs).unref();
  };

  return {
    write(line, urgency) {
      if (broken) return;
      if (waitingLength + rest.length + line.length > maxLength) {
        dropped += 1;
        return;
      }
      waiting.push(line);
      waitingLength += line.length;
      // While the pipe is full the timer tries again, not every line.
      if (rest.length === 0 && (urgency === 'now' || waitingLength >= minLength)) drain();
      if (waiting.length > 0 || rest.length > 0) drainLater();
    },
    flush(boundMs) {
      const endMs = performance.now() + boundMs;
      while (drain() === 'full' && performance.now() < endMs) sleepSync(10);
    },
    takeDropped() {
      if (waitingLength + rest.length + roomForTelling > maxLength) return 0;
      const taken = dropped;
      dropped = 0;
      return taken;
    },
  };
}

// Of the line that tells how many were dropped.
const roomForTelling = 1024;

function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EPIPE' || error.code === 'EBADF');
}

function sleepSync(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

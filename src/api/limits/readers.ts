import type { ServerResponse } from 'node:http';
import { limits } from './fixed.ts';

export interface Readers {
  /** Looks at answers that are not read, until `stop`. */
  watch(): void;
  stop(): void;
}

const lookEveryMs = 500;

/**
 * Lets go of clients that do not read what they asked for: those that take too long, and the oldest of them when their
 * answers together take too much memory.
 *
 * Looked at from time to time rather than timed one by one: the usual answer has left long before the first look.
 */
export function createReaders(
  open: ReadonlySet<ServerResponse>,
  letGo: (response: ServerResponse, why: 'slow_client' | 'unread') => void,
): Readers {
  const looksAt = new WeakMap<ServerResponse, Looks>();
  let timer: NodeJS.Timeout | undefined;

  function look(): void {
    const waiting = [...open].filter(waitsForItsClient);
    let bytes = waiting.reduce((sum, response) => sum + response.writableLength, 0);
    for (const response of waiting) {
      const looks = looksSince(looksAt.get(response), response);
      looksAt.set(response, looks);
      const isTooMuch = bytes > limits.unreadBytes;
      if (!isTooMuch && looks.count * lookEveryMs <= limits.readingTimeoutMs) continue;
      bytes -= response.writableLength;
      letGo(response, isTooMuch ? 'unread' : 'slow_client');
    }
  }

  return {
    watch: () => {
      timer ??= setInterval(look, lookEveryMs).unref();
    },
    stop: () => clearInterval(timer),
  };
}

/** Looks at an answer, since it was made whole; at a stream, since some of it last left. */
interface Looks {
  readonly count: number;
  readonly sentBytes: number;
}

function looksSince(before: Looks | undefined, response: ServerResponse): Looks {
  const sentBytes = response.writableEnded ? 0 : (response.socket?.bytesWritten ?? 0);
  return { count: before?.sentBytes === sentBytes ? before.count + 1 : 1, sentBytes };
}

/** Whether the server has done its part for now: the answer is made, or a stream's client takes no more of it. */
export function waitsForItsClient({ writableEnded, writableNeedDrain }: ServerResponse): boolean {
  return writableEnded || writableNeedDrain;
}

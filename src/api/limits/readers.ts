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
  const looksAt = new WeakMap<ServerResponse, number>();
  let timer: NodeJS.Timeout | undefined;

  function look(): void {
    const waiting = [...open].filter((response) => response.writableEnded);
    let bytes = waiting.reduce((sum, response) => sum + response.writableLength, 0);
    for (const response of waiting) {
      const looks = (looksAt.get(response) ?? 0) + 1;
      looksAt.set(response, looks);
      const isTooMuch = bytes > limits.unreadBytes;
      if (!isTooMuch && looks * lookEveryMs <= limits.readingTimeoutMs) continue;
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

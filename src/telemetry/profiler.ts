import { Session } from 'node:inspector';
import type { Clock } from '../clock.ts';
import { AegisError } from '../errors.ts';

/** What V8's profilers are asked with, and what each costs: some percent of the time, while it runs. */
const commands = {
  cpu: { enable: 'Profiler.enable', start: 'Profiler.start', stop: 'Profiler.stop' },
  // Samples of what is allocated, not a snapshot: that one would stop the world for as long as it takes to copy the heap.
  heap: { enable: 'HeapProfiler.enable', start: 'HeapProfiler.startSampling', stop: 'HeapProfiler.stopSampling' },
} as const;

export type ProfileKind = keyof typeof commands;

/** Profiles the main thread for a time, or until the signal aborts; one at a time. The JSON is for Chrome's DevTools. */
export type Profile = (kind: ProfileKind, forMs: number, signal: AbortSignal) => Promise<string>;

export function createProfiler(clock: Clock): Profile {
  let running: ProfileKind | undefined;
  return async (kind, forMs, signal) => {
    if (running !== undefined) {
      throw new AegisError('profile_running', `a ${running} profile is being taken: ask again when it is done`);
    }
    running = kind;
    const session = new Session();
    try {
      session.connect();
      const { enable, start, stop } = commands[kind];
      await post(session, enable);
      await post(session, start);
      await clock.sleep(forMs, signal);
      const { profile } = await post(session, stop);
      return JSON.stringify(profile);
    } finally {
      session.disconnect();
      running = undefined;
    }
  };
}

function post(session: Session, method: string): Promise<{ readonly profile?: unknown }> {
  return new Promise((resolve, reject) => {
    session.post(method, (error: Error | null, result?: object) => {
      if (error === null) resolve(result ?? {});
      else reject(new Error(`the inspector refused ${method}: ${error.message}`, { cause: error }));
    });
  });
}

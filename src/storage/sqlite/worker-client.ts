import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { Report, WorkerInput, WorkerMessage, WorkerRequest } from './messages.ts';
import { mostSpare } from './page-bytes.ts';

/** The functions that a thread offers, each of at most one argument. */
type Calls<C> = { readonly [K in keyof C]: (argument: never) => unknown };

/** A thread whose functions are called by name. */
export interface WorkerClient<C extends Calls<C>> {
  /** Rejects with the thread's own message, or when it ends before it has answered. */
  call<K extends keyof C & string>(name: K, ...argument: Parameters<C[K]>): Promise<ReturnType<C[K]>>;
  /** Lets the thread use this memory again, with the next call. */
  giveBack(memory: ArrayBuffer): void;
  /** Calls without an answer yet. */
  pending(): number;
  /** False once the thread has ended by itself. */
  isAlive(): boolean;
  terminate(): Promise<void>;
}

// By the name that package.json gives it, from src (under vitest) and from dist alike: the thread always runs the built file.
const entry = createRequire(import.meta.url).resolve('#database-thread');

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export function startWorker<C extends Calls<C>>(input: WorkerInput, report: Report): WorkerClient<C> {
  // Flags for how this process reads its own program (a loader, an input type) are not the thread's.
  const worker = new Worker(entry, { workerData: input, execArgv: [] });
  const waiting = new Map<number, Waiting>();
  const spare = new Set<ArrayBuffer>();
  let nextId = 0;
  let ended: Error | null = null;

  function end(error: Error): void {
    ended ??= error;
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
  }

  worker.on('message', (message: WorkerMessage) => {
    if (message.kind === 'report') {
      report(message.level, message.message);
      return;
    }
    const call = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.kind === 'result') call?.resolve(message.value);
    else call?.reject(new Error(message.message));
  });
  worker.on('error', (error) => end(new Error(`the database thread failed: ${String(error)}`, { cause: error })));
  worker.on('exit', () => end(new Error('the database thread has ended')));

  return {
    call(name, ...argument) {
      return new Promise((resolve, reject) => {
        if (ended !== null) {
          reject(ended);
          return;
        }
        const id = nextId++;
        // The thread answers a call with the value of the function of that name: the one place that knows both.
        waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
        const own = [...spare];
        spare.clear();
        worker.postMessage({ id, name, argument: argument[0], spare: own } satisfies WorkerRequest, own);
      });
    },
    giveBack(memory) {
      if (spare.size < mostSpare) spare.add(memory);
    },
    pending: () => waiting.size,
    isAlive: () => ended === null,
    async terminate() {
      await worker.terminate();
    },
  };
}

import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../errors.ts';
import { foreignDatabase } from './foreign-database.ts';
import type { ReaderCalls, WorkerInput, WorkerMessage, WorkerRequest, WriterCalls } from './messages.ts';
import { keepSpare } from './page-bytes.ts';
import { ownDatabase } from './read-source.ts';
import { createReader } from './reader.ts';
import { createWriter } from './writer.ts';

/**
 * A call that comes so soon after an answer is probably not the last of its kind: for as long, the next one is looked for
 * before the thread sleeps. To wake it takes half as long as a row. Calls that are further apart cost nothing more.
 */
const soonMs = 0.1;

/** The entry of every thread: takes a call, answers it, takes the next. SQLite's calls block this thread and no other. */
function serve(port: NonNullable<typeof parentPort>, { role, path }: WorkerInput): void {
  const send = (message: WorkerMessage, given: ArrayBuffer[] = []) => port.postMessage(message, given);
  const afterwards: (() => void)[] = [];
  const calls = callsOf();
  const byName = new Map<string, (argument: never) => unknown>(Object.entries(calls));

  function callsOf(): WriterCalls | ReaderCalls {
    switch (role) {
      case 'writer':
        return createWriter(path, report, (task) => afterwards.push(task));
      case 'reader':
        return createReader(ownDatabase(path));
      case 'replica':
        return createReader(foreignDatabase(path));
    }
  }

  function report(level: 'info' | 'warn' | 'error', message: string): void {
    send({ kind: 'report', level, message });
  }

  function answer({ id, name, argument, spare }: WorkerRequest): void {
    for (const memory of spare) keepSpare(memory);
    try {
      const value = byName.get(name)?.(argument as never); // worker-client.ts types the pair of name and argument
      send({ kind: 'result', id, value }, own(value));
    } catch (error) {
      send({ kind: 'failure', id, message: messageOf(error) });
    }
    for (const task of afterwards.splice(0)) task();
  }

  let answeredMs = -Infinity;
  port.on('message', (request: WorkerRequest) => {
    let isSoon = performance.now() - answeredMs < soonMs;
    answer(request);
    answeredMs = performance.now();
    while (isSoon) {
      const next = receiveMessageOnPort(port) as { readonly message: WorkerRequest } | undefined;
      if (next !== undefined) {
        answer(next.message);
        answeredMs = performance.now();
      }
      isSoon = performance.now() - answeredMs < soonMs;
    }
  });
}

/** The memory of a page goes over with it, and is not copied. */
function own(value: unknown): ArrayBuffer[] {
  return value instanceof Uint8Array && value.buffer instanceof ArrayBuffer ? [value.buffer] : [];
}

if (parentPort === null) throw new Error('worker.ts is the entry of a worker thread');
serve(parentPort, workerData as WorkerInput);

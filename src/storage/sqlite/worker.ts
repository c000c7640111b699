import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../errors.ts';
import type { WorkerInput, WorkerMessage, WorkerRequest } from './messages.ts';
import { createReader } from './reader.ts';
import { createWriter } from './writer.ts';

/** The entry of both threads: takes a call, answers it, takes the next. SQLite's calls block this thread and no other. */
function serve(port: NonNullable<typeof parentPort>, { role, path }: WorkerInput): void {
  const send = (message: WorkerMessage) => port.postMessage(message);
  const calls = role === 'writer' ? createWriter(path, report) : createReader(path);
  const byName = new Map<string, (argument: never) => unknown>(Object.entries(calls));

  function report(level: 'info' | 'warn' | 'error', message: string): void {
    send({ kind: 'report', level, message });
  }

  port.on('message', ({ id, name, argument }: WorkerRequest) => {
    try {
      const value = byName.get(name)?.(argument as never); // worker-client.ts types the pair of name and argument
      send({ kind: 'result', id, value });
    } catch (error) {
      send({ kind: 'failure', id, message: messageOf(error) });
    }
  });
}

if (parentPort === null) throw new Error('worker.ts is the entry of a worker thread');
serve(parentPort, workerData as WorkerInput);

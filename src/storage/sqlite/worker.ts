import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../errors.ts';
import { foreignDatabase } from './foreign-database.ts';
import type { ReaderCalls, WorkerInput, WorkerMessage, WorkerRequest, WriterCalls } from './messages.ts';
import { ownDatabase } from './read-source.ts';
import { createReader } from './reader.ts';
import { createWriter } from './writer.ts';

/** The entry of every thread: takes a call, answers it, takes the next. SQLite's calls block this thread and no other. */
function serve(port: NonNullable<typeof parentPort>, { role, path }: WorkerInput): void {
  const send = (message: WorkerMessage) => port.postMessage(message);
  const calls = callsOf();
  const byName = new Map<string, (argument: never) => unknown>(Object.entries(calls));

  function callsOf(): WriterCalls | ReaderCalls {
    switch (role) {
      case 'writer':
        return createWriter(path, report);
      case 'reader':
        return createReader(ownDatabase(path));
      case 'replica':
        return createReader(foreignDatabase(path));
    }
  }

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

import type { Clock } from '../../clock.ts';
import { AegisError, messageOf } from '../../errors.ts';
import type { ReaderCalls, Report, Role } from './messages.ts';
import { pageRoomBytes } from './page-bytes.ts';
import { startWorker } from './worker-client.ts';

/** The questions that the reading thread answers. */
type Question = Exclude<keyof ReaderCalls, 'close'>;

/** The thread that reads, seen from the main one; made anew where it has ended. */
export interface ReadingThread {
  /** Rejects with `AegisError('audit_unavailable')`, within two seconds. */
  read<K extends Question>(name: K, ...argument: Parameters<ReaderCalls[K]>): Promise<ReturnType<ReaderCalls[K]>>;
  /** Takes the memory of a page that nobody reads any more, to be used again. */
  readonly giveBack: (page: Uint8Array) => void;
  /** Lets go of the file; the next question opens it again. */
  close(): Promise<void>;
  terminate(): Promise<void>;
}

const readTimeoutMs = 1_800;
const mostReads = 64;

export function startReadingThread(
  input: { readonly role: Exclude<Role, 'writer'>; readonly path: string },
  report: Report,
  clock: Clock,
): ReadingThread {
  let worker = startWorker<ReaderCalls>(input, report);
  const { role, path } = input;
  const unavailable = (why: string) =>
    auditUnavailable(role === 'replica' ? `${path} of the active server` : path, why);

  return {
    async read(name, ...argument) {
      if (!worker.isAlive()) worker = startWorker<ReaderCalls>(input, report);
      if (worker.pending() >= mostReads) throw unavailable('too many questions wait for it');
      const answered = new AbortController();
      const late = clock.sleep(readTimeoutMs, answered.signal).then(() => null);
      try {
        const first = await Promise.race([worker.call(name, ...argument).then((value) => ({ value })), late]);
        if (first !== null) return first.value;
      } catch (error) {
        throw unavailable(messageOf(error));
      } finally {
        answered.abort();
      }
      throw unavailable(`no answer within ${readTimeoutMs} ms`);
    },
    giveBack({ buffer }) {
      // Not what is shared with others (a part of Node's pool), nor what is with the thread again.
      if (buffer instanceof ArrayBuffer && buffer.byteLength === pageRoomBytes) worker.giveBack(buffer);
    },
    async close() {
      if (worker.isAlive()) await worker.call('close');
      else worker = startWorker<ReaderCalls>(input, report);
    },
    terminate: () => worker.terminate(),
  };
}

export function auditUnavailable(path: string, why: string): AegisError {
  return new AegisError('audit_unavailable', `the audit database ${path} cannot be read now: ${why}`);
}

import type { Clock } from '../../clock.ts';
import { AegisError, messageOf } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { Slo } from '../../slo/model.ts';
import type { AuditStatus } from '../ports.ts';
import type { FileState, Report, Rows, SweepOrder, SweepStep, WriterCalls } from './messages.ts';
import { auditUnavailable, type ReadingThread, startReadingThread } from './reading-thread.ts';
import { definitionRow } from './rows.ts';
import { startWorker } from './worker-client.ts';

export type DatabaseState = AuditStatus['state'];

/** The audit file with its two threads, seen from the main one. */
export interface AuditDatabase {
  /** Rejects with `AegisError('database_unusable')` where the file is no database of ours, else with what is in the way. */
  open(): Promise<void>;
  /** Resolves when the rows are committed; rejects with SQLite's words when they are not. */
  commit(rows: Rows): Promise<void>;
  /** A slice of retention's work, after the commits that wait; null where there is no database to sweep now. */
  sweep(order: SweepOrder): Promise<Exclude<SweepStep, { kind: 'changed' }> | null>;
  /** Written ahead of the next commit, and of the first one to every file that is opened later. */
  define(slos: readonly Slo[]): void;
  readonly read: ReadingThread['read'];
  readonly giveBack: ReadingThread['giveBack'];
  readonly state: () => DatabaseState;
  /** Epoch milliseconds. */
  readonly sinceMs: () => number;
  /** Why it cannot be read or opened; null where nothing is known to be in the way. */
  readonly trouble: () => string | null;
  /** Called with the time that each commit took. */
  readonly onCommit: (listener: (durationMs: number) => void) => void;
  close(): Promise<void>;
  /** Ends the threads, whatever they are at. */
  terminate(): Promise<void>;
}

const tickMs = 500;
/** Definitions of one message: memory that was taken for a large one is not given back by `malloc`. */
const sliceOfDefinitions = 200;

export function createAuditDatabase(path: string, log: Log, clock: Clock): AuditDatabase {
  const report: Report = (level, message) => log[level](message, { component: 'storage' });
  let writer = startWorker<WriterCalls>({ role: 'writer', path }, report);
  const reader = startReadingThread({ role: 'reader', path }, report, clock);
  let state: DatabaseState = 'unavailable';
  let sinceMs = clock.now().wallMs;
  let trouble: string | null = null;
  const onCommit: ((durationMs: number) => void)[] = [];
  /** Not their rows: the JSON of each document is made when it is sent. */
  let definitions: readonly Slo[] | null = null;
  let areDefined = true;

  function become(next: DatabaseState): void {
    if (next === state) return;
    state = next;
    sinceMs = clock.now().wallMs;
  }

  // One thing at a time: the reader has to be closed before the writer opens the file or lets go of it.
  let last: Promise<unknown> = Promise.resolve();
  let queued = 0;
  function exclusively<T>(act: () => Promise<T>): Promise<T> {
    queued++;
    const run = last.then(act).finally(() => queued--);
    last = run.catch(messageOf); // the caller has the rejection; the next one does not care
    return run;
  }

  async function openFile(): Promise<void> {
    await reader.close();
    if (!writer.isAlive()) writer = startWorker<WriterCalls>({ role: 'writer', path }, report);
    const outcome = await writer.call('open');
    if (outcome.kind !== 'opened') {
      trouble = outcome.message;
      throw outcome.kind === 'unusable' ? new AegisError('database_unusable', trouble) : new Error(trouble);
    }
    if (trouble !== null) log.info(`the audit database ${path} is open now`, { component: 'storage' });
    trouble = null;
    become('open');
    areDefined = definitions === null;
  }

  /** Does what a changed file asks for; afterwards a deleted one is open again, empty. */
  async function follow(found: FileState): Promise<void> {
    if (found === 'same') return;
    become('unavailable'); // no reading while the file is let go
    await reader.close();
    await writer.call('release');
    if (found === 'deleted') {
      log.warn(`${path} was deleted while the server ran: it is made anew, and is empty`, { component: 'storage' });
      await openFile();
    } else {
      trouble = replacedMessage(path); // until it is known to stand without our log
      become('replaced');
      await settle();
      log.error(`${replacedMessage(path)}; until then new rows wait in memory`, { component: 'storage' });
    }
  }

  /** A file that was put in place is read only when our log is no longer beside it. */
  async function settle(): Promise<void> {
    const found = await writer.call('tick');
    trouble = found === 'same' ? null : 'another process still has the log of the file before open';
  }

  async function commitNow(rows: Rows): Promise<void> {
    if (state === 'closed') throw new Error('the storage is closed');
    if (state === 'replaced') throw new Error(replacedMessage(path));
    if (state !== 'open') await openFile();
    const startedMs = clock.now().monotonicMs;
    const areSent = areDefined || definitions === null ? 'same' : await defineNow(definitions);
    const found = areSent === 'same' ? await callWriter(() => writer.call('commit', rows)) : areSent;
    await follow(found);
    if (found !== 'same') return commitNow(rows);
    const tookMs = clock.now().monotonicMs - startedMs;
    for (const listener of onCommit) listener(tookMs);
  }

  /** All or, where one of its slices fails, from the first one again: to write a definition twice changes nothing. */
  async function defineNow(all: readonly Slo[]): Promise<FileState> {
    for (let from = 0; from === 0 || from < all.length; from += sliceOfDefinitions) {
      const rows = all.slice(from, from + sliceOfDefinitions).map(definitionRow);
      const served = from === 0 ? all.map(({ id }) => id) : null;
      const found = await callWriter(() => writer.call('define', { rows, served }));
      if (found !== 'same') return found;
    }
    if (all === definitions) areDefined = true;
    return 'same';
  }

  async function sweepNow(order: SweepOrder): Promise<Exclude<SweepStep, { kind: 'changed' }> | null> {
    if (state !== 'open') return null;
    const step = await callWriter(() => writer.call('sweep', order));
    if (step.kind !== 'changed') return step;
    await follow(step.found);
    return null;
  }

  /** A thread that ended has lost its connection too. */
  async function callWriter<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } finally {
      if (!writer.isAlive() && state === 'open') become('unavailable');
    }
  }

  async function tick(): Promise<void> {
    if (state === 'unavailable') return openFile();
    if (state === 'replaced') return settle();
    await follow(await callWriter(() => writer.call('tick')));
  }

  // A failed turn is not reported here: as soon as a row waits for it, the log of evaluations says so.
  const ticking = setInterval(() => {
    if (queued === 0 && state !== 'closed') exclusively(tick).catch(messageOf);
  }, tickMs).unref();

  const read: ReadingThread['read'] = async (name, ...argument) => {
    if (trouble !== null || state === 'unavailable' || state === 'closed') {
      throw auditUnavailable(path, trouble ?? `it is ${state}`);
    }
    return reader.read(name, ...argument);
  };

  return {
    open: () => exclusively(openFile),
    commit: (rows) => exclusively(() => commitNow(rows)),
    sweep: (order) => exclusively(() => sweepNow(order)),
    define(next) {
      definitions = next;
      areDefined = false;
    },
    read,
    giveBack: reader.giveBack,
    state: () => state,
    sinceMs: () => sinceMs,
    trouble: () => trouble,
    onCommit: (listener) => void onCommit.push(listener),
    close: () =>
      exclusively(async () => {
        clearInterval(ticking);
        become('closed');
        await reader.close();
        await writer.call('close');
      }),
    async terminate() {
      clearInterval(ticking);
      become('closed');
      await Promise.all([reader.terminate(), writer.terminate()]);
    },
  };
}

function replacedMessage(path: string): string {
  return `${path} was replaced by another file while the server ran (a restore): restart the server to write to it`;
}

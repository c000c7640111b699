import { messageOf } from '../../errors.ts';
import { removeNote } from './checkpoint-note.ts';
import { outcomeOf } from './failures.ts';
import { isSameFile, stampOf } from './file-stamp.ts';
import type { FileStamp } from './file-stamp.ts';
import { type RowWriter, rowWriter } from './insert.ts';
import type {
  Definitions,
  FileState,
  OpenOutcome,
  Report,
  Rows,
  SweepOrder,
  SweepStep,
  WriterCalls,
} from './messages.ts';
import { createSweeping, type Sweeping } from './retention/sweeping.ts';
import { abandonSession, closeSession, openSession, type Session } from './session.ts';
import { logPath, logSize, setLogAside } from './set-aside.ts';
import { checkAtStart } from './start-check.ts';
import { type WatchedFile, watchFile } from './watched-file.ts';

type State =
  | { readonly kind: 'closed' }
  | {
      readonly kind: 'open';
      readonly session: Session;
      readonly file: WatchedFile;
      readonly rows: RowWriter;
      readonly sweeping: Sweeping;
    }
  /** The file under the path is another's. Our log may still stand beside it, as long as another process has it open. */
  | { readonly kind: 'released'; readonly log: FileStamp | null };

type Open = Extract<State, { kind: 'open' }>;

// A checkpoint syncs the disk four times. Every ten seconds it bounds what a lost log can cost; by frames, its length.
// Where another process reads for long it waits in vain, and must leave time to write.
const checkpointEveryMs = 10_000;
const checkpointFrames = 1_000;
const checkpointAtMostEveryMs = 1_000;
const reportEveryMs = 60_000;
// A sweep writes more in a second than rows do in an hour. Its log is written back as it goes, and where a reader keeps
// it from that the sweep is held, for a log has no end.
const sweepLogBytes = 8 * 1024 * 1024;
const longestSweepLogBytes = 64 * 1024 * 1024;

/** The calls of the writing thread, over one file. What is put off until after an answer is done before the next call. */
export function createWriter(path: string, report: Report, afterAnswer: (task: () => void) => void): WriterCalls {
  let state: State = { kind: 'closed' };
  let checkpointedAtMs = -Infinity;
  let reportedAtMs = -Infinity;

  function open(): OpenOutcome {
    const verdict = checkAtStart(path, report);
    if (verdict.kind !== 'fit') return verdict;
    try {
      const session = openSession(path, report);
      state = {
        kind: 'open',
        session,
        file: watchFile(path, session),
        rows: rowWriter(session.db),
        sweeping: createSweeping(session.db, report),
      };
      checkpoint(state);
      return { kind: 'opened' };
    } catch (error) {
      return outcomeOf(error, path);
    }
  }

  /** Gives why it failed, in words; null also where a reader kept some of the log from being written back. */
  function checkpoint({ file }: Open): string | null {
    checkpointedAtMs = performance.now();
    try {
      file.checkpoint();
      return null;
    } catch (error) {
      // The rows are safe in the log. A full disk says so here first.
      const failure = `failed to checkpoint ${path}: ${messageOf(error)}`;
      if (performance.now() - reportedAtMs >= reportEveryMs) {
        reportedAtMs = performance.now();
        report('error', failure);
      }
      return failure;
    }
  }

  function checkpointWhenDue(open: Open): void {
    const frames = open.file.committed();
    const sinceMs = performance.now() - checkpointedAtMs;
    const due = frames >= checkpointFrames ? checkpointAtMostEveryMs : checkpointEveryMs;
    if (frames > 0 && sinceMs >= due) checkpoint(open);
  }

  /** Who waits for a row has it by now. */
  function settleCommit(open: Open): void {
    try {
      checkpointWhenDue(open);
    } catch (error) {
      report('error', `failed to look at ${path} after a commit: ${messageOf(error)}`); // the next one looks again
    }
  }

  function write(act: (rows: RowWriter) => void): FileState {
    if (state.kind !== 'open') throw new Error('the database is not open');
    const open = state;
    const found = open.file.inspect();
    if (found !== 'same') return found;
    act(open.rows);
    afterAnswer(() => settleCommit(open));
    return 'same';
  }

  function tick(): FileState {
    if (state.kind === 'released') return settleLog(state.log) ? 'same' : 'replaced';
    if (state.kind === 'closed') return 'same';
    const found = state.file.inspect();
    if (found === 'same') checkpointWhenDue(state);
    return found;
  }

  function sweep(order: SweepOrder): SweepStep {
    if (state.kind !== 'open') throw new Error('the database is not open');
    const found = state.file.inspect();
    if (found !== 'same') return { kind: 'changed', found };
    if (order.isNew) state.sweeping.drop(); // before anything else may take this turn
    const logBytes = logSize(path);
    const sinceMs = performance.now() - checkpointedAtMs;
    if (logBytes >= longestSweepLogBytes || (logBytes >= sweepLogBytes && sinceMs >= checkpointAtMostEveryMs)) {
      const failure = checkpoint(state);
      if (logSize(path) < longestSweepLogBytes) return { kind: 'more' };
      if (failure !== null) throw new Error(failure);
      return { kind: 'held', why: `the write-ahead log of ${path} cannot be written back while the file is read` };
    }
    const done = state.sweeping.step(order);
    state.file.committed();
    return done === null ? { kind: 'more' } : { kind: 'done', report: done };
  }

  function release(): void {
    if (state.kind !== 'open') return;
    const { session } = state;
    releaseSession(path, session, report);
    state = { kind: 'released', log: session.log };
    settleLog(session.log);
  }

  /** Takes our log from beside the file that is not ours; false while another process has it open. */
  function settleLog(log: FileStamp | null): boolean {
    const found = stampOf(logPath(path));
    if (log !== null && found !== null && isSameFile(log, found)) {
      const aside = setLogAside(path);
      if (aside.kind === 'inUse') return false;
      if (aside.kind === 'kept') {
        report('warn', `the write-ahead log of the file before is set aside as ${aside.as}, not applied`);
      }
    }
    removeNote(path);
    state = { kind: 'released', log: null };
    return true;
  }

  function close(): void {
    if (state.kind === 'open' && state.file.inspect() !== 'same') release();
    if (state.kind === 'open') {
      checkpoint(state);
      closeSession(state.session);
      // Where another process has the file open, its log stays, and so does the note.
      if (stampOf(logPath(path)) === null) removeNote(path);
    } else if (state.kind === 'released') {
      settleLog(state.log);
      if (logSize(path) === 0) setLogAside(path); // what the reading connection made
    }
    state = { kind: 'closed' };
  }

  return {
    open,
    commit: (rows: Rows) => write((to) => to.write(rows)),
    define: (definitions: Definitions) => write((to) => to.define(definitions)),
    tick,
    sweep,
    release,
    close,
  };
}

/** Closes the connections of a file that is no longer under the path, or no longer ours. */
function releaseSession(path: string, session: Session, report: Report): void {
  const now = stampOf(path);
  const isMoved = now === null || !isSameFile(session.main, now);
  if (!isMoved) {
    abandonSession(session); // overwritten in place: not a byte of ours may go into it
    return;
  }
  try {
    // The file has only lost its name, or has another: its rows are to be complete all the same.
    session.db.pragma('wal_checkpoint(TRUNCATE)');
  } catch (error) {
    report('warn', `the last rows of the file that was ${path} stay in its write-ahead log: ${messageOf(error)}`);
  }
  closeSession(session);
}

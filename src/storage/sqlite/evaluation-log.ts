import type { Clock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { Evaluation } from '../../policy/decision-source.ts';
import type { Appended, DefinedSlo, EvaluationLog, EvaluationLogStats } from '../ports.ts';
import type { AuditDatabase } from './database.ts';
import type { EvaluationRow, VersionRow } from './messages.ts';
import { definitionRow, type EncodeEvidence, evaluationRow, versionRow } from './rows.ts';

export interface EvaluationLogOptions {
  readonly log: Log;
  readonly clock: Clock;
  /** Rows that wait at most; beyond it the oldest is dropped. */
  readonly queueLimit: number;
  readonly encodeEvidence: EncodeEvidence;
}

interface Entry {
  readonly row: EvaluationRow;
  readonly version: VersionRow;
  readonly settle: (appended: Appended) => void;
}

const largestBatch = 500;
const firstRetryMs = 100;
const longestRetryMs = 1_000;
/** A commit that takes longer counts as failed for those who wait for it; it may still succeed. */
const commitPatienceMs = 2_000;
const repeatLogMs = 60_000;

/** Gathers evaluations into batches: one is in flight, the next gathers meanwhile. */
export function createEvaluationLog(
  database: Pick<AuditDatabase, 'commit' | 'define' | 'state'>,
  { log, clock, queueLimit, encodeEvidence }: EvaluationLogOptions,
): EvaluationLog {
  let waiting: Entry[] = [];
  let inFlight: readonly Entry[] = [];
  let isDefinitionWaiting = false;
  let stored = 0;
  let dropped = 0;
  let failure: string | null = null;
  let pumping: Promise<void> | null = null;
  let retry = new AbortController();
  const mayLogFailure = atMostEvery(repeatLogMs, clock);
  const mayLogDrop = atMostEvery(repeatLogMs, clock);

  function append(evaluation: Evaluation): Promise<Appended> {
    return new Promise((settle) => {
      const row = evaluationRow(evaluation, encodeEvidence);
      waiting.push({ row, version: versionRow(evaluation), settle });
      dropBeyondLimit();
      if (database.state() === 'closed') fail('the storage is closed');
      if (failure !== null) settle('queued'); // a commit has failed and none has succeeded since
      pump();
    });
  }

  function dropBeyondLimit(): void {
    const excess = waiting.length + inFlight.length - queueLimit;
    if (excess <= 0) return;
    const oldest = waiting.splice(0, excess);
    dropped += oldest.length;
    for (const entry of oldest) entry.settle('queued');
    if (mayLogDrop()) {
      const what = `${dropped} evaluations are dropped from the audit: the oldest of more than ${queueLimit} that wait`;
      log.error(what, { component: 'storage' });
    }
  }

  function pump(): void {
    pumping ??= run().finally(() => {
      pumping = null;
      if (hasWork()) pump(); // it came after the last look, and before this end
    });
  }

  function hasWork(): boolean {
    return database.state() !== 'closed' && (waiting.length > 0 || isDefinitionWaiting);
  }

  async function run(): Promise<void> {
    let retryMs = firstRetryMs;
    while (hasWork()) {
      if (await commitNext()) {
        retryMs = firstRetryMs;
        continue;
      }
      retry = new AbortController();
      await clock.sleep(retryMs, retry.signal);
      retryMs = Math.min(retryMs * 2, longestRetryMs);
    }
  }

  async function commitNext(): Promise<boolean> {
    inFlight = waiting.slice(0, largestBatch);
    waiting = waiting.slice(largestBatch);
    const hadDefinition = isDefinitionWaiting;
    isDefinitionWaiting = false;
    const answered = new AbortController();
    void clock.sleep(commitPatienceMs, answered.signal).then((ended) => {
      if (ended === 'elapsed') fail(`no answer from the database within ${commitPatienceMs / 1000} s`);
    });
    try {
      await database.commit({ rows: inFlight.map((entry) => entry.row), versions: versionsOf(inFlight) });
      succeed();
      return true;
    } catch (error) {
      fail(messageOf(error));
      isDefinitionWaiting ||= hadDefinition;
      waiting = [...inFlight, ...waiting];
      inFlight = [];
      dropBeyondLimit();
      return false;
    } finally {
      answered.abort();
    }
  }

  function succeed(): void {
    const entries = inFlight;
    inFlight = [];
    stored += entries.length;
    for (const entry of entries) entry.settle('stored');
    if (failure === null) return;
    failure = null;
    log.info(`evaluations are stored again; ${waiting.length} more are being written`, { component: 'storage' });
  }

  function fail(message: string): void {
    failure = message;
    for (const entry of [...inFlight, ...waiting]) entry.settle('queued');
    if (!mayLogFailure()) return;
    const count = inFlight.length + waiting.length;
    log.error(`failed to store evaluation: ${message}`, { component: 'storage', waiting: count, dropped });
  }

  async function flush(boundMs: number): Promise<void> {
    const until = new AbortController();
    const bound = clock.sleep(boundMs, until.signal);
    if (waiting.length > 0 || isDefinitionWaiting) pump();
    retry.abort();
    // A file that was replaced takes no rows before the next start: there is nothing to wait for.
    while (pumping !== null && database.state() !== 'replaced') {
      const step = clock.sleep(firstRetryMs, until.signal).then(() => 'step' as const);
      if ((await Promise.race([pumping, bound, step])) !== 'step') break;
    }
    until.abort();
    for (const entry of [...inFlight, ...waiting]) entry.settle('queued');
  }

  return {
    append,
    define(slos: readonly DefinedSlo[]) {
      database.define(slos.map(({ slo }) => definitionRow(slo)));
      isDefinitionWaiting = true;
      pump();
    },
    flush,
    stats: (): EvaluationLogStats => ({
      stored,
      waiting: waiting.length + inFlight.length,
      dropped,
      lastError: failure,
    }),
  };
}

/** The documents of a batch, each once. */
function versionsOf(entries: readonly Entry[]): VersionRow[] {
  return [...new Map(entries.map(({ version }) => [version.specHash, version])).values()];
}

/** True when it was not within the last `ms`. */
function atMostEvery(ms: number, clock: Clock): () => boolean {
  let lastMs = -Infinity;
  return () => {
    const nowMs = clock.now().monotonicMs;
    if (nowMs - lastMs < ms) return false;
    lastMs = nowMs;
    return true;
  };
}

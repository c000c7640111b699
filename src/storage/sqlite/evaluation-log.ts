import type { Clock } from '../../clock.ts';
import type { Log } from '../../log.ts';
import type { Evaluation } from '../../policy/decision-source.ts';
import type { Appended, DefinedSlo, EvaluationLog, EvaluationLogStats } from '../ports.ts';
import type { AuditDatabase } from './database.ts';
import { type EvaluationRow, noRows, type VersionRow } from './messages.ts';
import { createRowQueue } from './row-queue.ts';
import { type EncodeEvidence, type EncodeKept, evaluationRow, versionRow } from './rows.ts';

export interface EvaluationLogOptions {
  readonly log: Log;
  readonly clock: Clock;
  /** Rows that wait at most; beyond it the oldest is dropped. */
  readonly queueLimit: number;
  readonly encodeEvidence: EncodeEvidence;
  readonly encodeKept?: EncodeKept | undefined;
}

interface Entry {
  readonly row: EvaluationRow;
  readonly version: DefinedSlo;
  readonly settle: (appended: Appended) => void;
}

/** Writes evaluations at once, as a forced decision waits for its row. */
export function createEvaluationLog(
  database: Pick<AuditDatabase, 'commit' | 'define' | 'state'>,
  { log, clock, queueLimit, encodeEvidence, encodeKept }: EvaluationLogOptions,
): EvaluationLog {
  const queue = createRowQueue<Entry>({
    what: 'evaluation',
    limit: queueLimit,
    commit: (entries) =>
      database.commit({ ...noRows, evaluations: entries.map(({ row }) => row), versions: versionsOf(entries) }),
    state: database.state,
    settle: (entry, appended) => entry.settle(appended),
    log,
    clock,
  });

  return {
    append: (evaluation: Evaluation) =>
      new Promise<Appended>((settle) => {
        queue.push({
          row: evaluationRow(evaluation, encodeEvidence, encodeKept),
          version: { slo: evaluation.slo, specHash: evaluation.specHash },
          settle,
        });
      }),
    define(slos: readonly DefinedSlo[]) {
      database.define(slos.map(({ slo }) => slo));
      queue.askForCommit();
    },
    flush: queue.flush,
    stats: (): EvaluationLogStats => ({ ...queue.counts(), lastError: queue.failure() }),
  };
}

/** The documents of a batch, each once. */
function versionsOf(entries: readonly Entry[]): VersionRow[] {
  return [...new Map(entries.map(({ version }) => [version.specHash, version])).values()].map(versionRow);
}

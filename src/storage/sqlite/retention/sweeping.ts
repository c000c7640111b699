import type { Database } from 'better-sqlite3';
import { parseInstant } from '../instant-text.ts';
import type { Report, SweepOrder, SweepReport } from '../messages.ts';
import { firstSweepMs } from './first-sweep.ts';
import { createBelievedTime } from './believed-time.ts';
import { createGrowthMeter } from './growth-meter.ts';
import { givesBack } from './pages.ts';
import { preview } from './preview.ts';
import type { SweptRows, Tally } from './rows.ts';
import { sweep, sweptAudit } from './sweep.ts';
import { forgetVersions } from './versions.ts';
import { bytesInWords, countsInWords, instantInWords } from './words.ts';

/** It reads evaluations, and versions are few. */
const versionsEveryMs = 24 * 3_600_000;

/** The sweeps of one open database, in the writing thread. */
export interface Sweeping {
  /** Does a slice of the sweep that is under way, or of a new one; its report when it is done. */
  step(order: SweepOrder): SweepReport | null;
  /** Gives up the sweep that is under way: another is ordered. */
  drop(): void;
}

export function createSweeping(db: Database, report: Report): Sweeping {
  const deleted: Tally = { evaluation: 0, decision: 0, order: 0, version: 0 };
  const audit = sweptAudit(db, deleted);
  const { pages } = audit;
  const growth = createGrowthMeter(db, pages);
  const believed = createBelievedTime(db, report);
  let underWay: Generator<void, void> | null = null;
  let isForetold = false;
  let versionsAtMs = -Infinity;
  let wasTooLarge = false;

  function* run({ retention, nowMs: wallMs }: SweepOrder): Generator<void, void> {
    const nowMs = believed(wallMs);
    const notBeforeMs = firstSweepMs(db);
    if (notBeforeMs !== null && nowMs < notBeforeMs) {
      if (!isForetold) yield* foretell({ retention, nowMs: notBeforeMs });
      isForetold = true;
      return;
    }
    const { givenBackBytes, isTooLarge } = yield* sweep(audit, retention, nowMs);
    if (deleted.evaluation > 0 && nowMs - versionsAtMs >= versionsEveryMs) {
      versionsAtMs = nowMs;
      yield* forgetVersions(db, deleted);
    }
    const said = countsInWords(deleted);
    if (said !== '') {
      const kept = `the oldest evaluation that is kept is ${oldestInWords(audit.evaluations)}`;
      report('info', `retention: ${said} deleted; ${kept}; ${space(givenBackBytes)}`);
    }
    if (isTooLarge && !wasTooLarge) {
      report('warn', 'retention: the audit is larger than --audit-max-size, and no row is left that may go');
    }
    wasTooLarge = isTooLarge;
  }

  function* foretell({ retention, nowMs }: Omit<SweepOrder, 'isNew'>): Generator<void, void> {
    const said = countsInWords(yield* preview(audit, retention, nowMs));
    if (said === '') return;
    const why = 'the database was migrated less than a day ago';
    report(
      'warn',
      `retention: ${said} are to be deleted at ${instantInWords(nowMs)} (${why}); --audit-retention, --audit-max-rows and --audit-max-size say how much is kept`,
    );
  }

  function space(givenBackBytes: number): string {
    const free = `${bytesInWords(pages.freeBytes())} of the file are free for new rows`;
    return givesBack(db) ? `${bytesInWords(givenBackBytes)} given back to the disk, ${free}` : free;
  }

  function reportNow(): SweepReport {
    const counts = { ...deleted };
    Object.assign(deleted, { evaluation: 0, decision: 0, order: 0, version: 0 });
    return {
      deleted: counts,
      grown: growth.take(),
      oldestMs: {
        evaluation: oldestMs(audit.evaluations),
        decision: oldestMs(audit.decisions),
        order: oldestMs(audit.orders),
      },
    };
  }

  return {
    step(order) {
      growth.look();
      underWay ??= run(order);
      try {
        if (underWay.next().done !== true) return null;
        underWay = null;
        return reportNow();
      } catch (error) {
        underWay = null;
        throw error;
      } finally {
        growth.mark();
      }
    },
    drop: () => void (underWay = null),
  };
}

/** Null where there is no row, or its time is none (edited by hand). */
function oldestMs(rows: SweptRows): number | null {
  const text = rows.oldest();
  return text === null ? null : (parseInstant(text)?.epochMs ?? null);
}

function oldestInWords(rows: SweptRows): string {
  const ms = oldestMs(rows);
  return ms === null ? 'none' : `of ${instantInWords(ms)}`;
}

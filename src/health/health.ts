import type { SloCatalogue } from '../catalogue/ports.ts';
import { elapsedMs, type Clock, type Instant } from '../clock.ts';
import type { SourceControl } from '../eval/source-control.ts';
import type { DecisionSource } from '../policy/decision-source.ts';
import type { AuditStatus } from '../storage/ports.ts';
import type { Certificates } from '../tls/ports.ts';
import { countDecisions, type DecisionCount } from './decision-count.ts';
import { createDiskWatch } from './disk-watch.ts';
import { createLagWatch } from './event-loop.ts';
import { ofCertificates, ofDatabase, ofDisk, ofEventLoop, ofPrometheus, ofScheduler, ofSloFiles } from './findings.ts';
import { createMemory } from './memory.ts';
import type { ComponentName, DiskSpace, Finding, HealthReport, SystemReport } from './ports.ts';
import { createSystemWatch } from './system-watch.ts';

export interface HealthSources {
  readonly clock: Clock;
  readonly catalogue: SloCatalogue;
  readonly decisions: Pick<DecisionSource, 'current'>;
  readonly load: () => { readonly waiting: number; readonly running: number };
  readonly slotsMissed: () => number;
  /** Absent with synthetic fixtures. */
  readonly source?: SourceControl | undefined;
  readonly database: {
    readonly status: () => AuditStatus;
    /** Calls the listener with the time that each commit took. */
    readonly onCommit: (listener: (durationMs: number) => void) => void;
  };
  /** null on a replica, which writes to no disk. */
  readonly databaseFile: string | null;
  /** Absent without TLS. */
  readonly certificates?: Certificates | undefined;
}

/** How every component is, and since when. It knows from others' work, and asks nobody while somebody waits. */
export interface Health {
  report(): HealthReport;
  system(): SystemReport;
  /** null where it is not known. */
  disk(): DiskSpace | null;
  stop(): void;
}

/** So that `since` is right to a second though nobody asks. */
const lookEveryMs = 1_000;
const measureEveryMs = 10_000;

export function startHealth(sources: HealthSources): Health {
  const { clock } = sources;
  const memory = createMemory();
  const disk = sources.databaseFile === null ? undefined : createDiskWatch(sources.databaseFile, clock);
  const space = () => disk?.reading().space ?? null;
  const system = createSystemWatch(clock);
  const lag = createLagWatch(clock, lookEveryMs);
  const stopped = new AbortController();
  let commitMs: number | null = null;
  sources.database.onCommit((durationMs) => (commitMs = Math.round(durationMs)));

  let counted: { readonly at: Instant; readonly count: DecisionCount } | undefined;

  function report(): HealthReport {
    return memory.remember(findings(), clock.now().wallMs);
  }

  /** Of half a second ago at most, so that a flood of questions does not go through all decisions each time. */
  function count(): DecisionCount {
    const now = clock.now();
    if (counted === undefined || elapsedMs(counted.at, now) >= lookEveryMs / 2) {
      counted = { at: now, count: countDecisions(sources.catalogue, sources.decisions) };
    }
    return counted.count;
  }

  function findings(): Readonly<Partial<Record<ComponentName, Finding>>> {
    const { catalogue, source, database, certificates } = sources;
    const decisions = count();
    return {
      sloFiles: ofSloFiles(catalogue.current()),
      ...(source !== undefined && { prometheus: ofPrometheus(source.breaker.status(), source.health(), decisions) }),
      scheduler: ofScheduler(decisions, sources.load(), sources.slotsMissed()),
      database: ofDatabase(database.status(), commitMs),
      ...(disk !== undefined && { disk: ofDisk(disk.reading()) }),
      eventLoop: ofEventLoop(lag.latestMs(), lag.greatestMs()),
      ...(certificates !== undefined && { certificates: ofCertificates(certificates.status()) }),
    };
  }

  async function run(): Promise<void> {
    let measuredMs = -Infinity;
    do {
      const nowMs = clock.now().monotonicMs;
      if (nowMs - measuredMs >= measureEveryMs) {
        measuredMs = nowMs;
        disk?.look();
        system.look();
      }
      report();
    } while ((await turn()) === 'elapsed');
  }

  async function turn(): Promise<'elapsed' | 'aborted'> {
    const slept = await clock.sleep(lookEveryMs, stopped.signal);
    lag.turned();
    return slept;
  }

  void run();
  return {
    report,
    system: () => system.report(space()),
    disk: space,
    stop: () => stopped.abort(),
  };
}

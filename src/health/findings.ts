import type { CatalogueSnapshot } from '../catalogue/ports.ts';
import type { BreakerStatus, SourceHealth } from '../eval/source-control.ts';
import type { AuditStatus, RowCounts } from '../storage/ports.ts';
import type { CertificateStatus } from '../tls/ports.ts';
import type { DiskReading } from './disk-watch.ts';
import type { DecisionCount } from './decision-count.ts';
import type { Finding, HealthStatus } from './ports.ts';

// Pure: what is known of a component, in words. `down` is for what decisions need: without the database, on a full disk
// or in a slow process they still come, and are right.

export function ofSloFiles({ slos, filesInError, lastReload }: CatalogueSnapshot): Finding {
  const [file] = filesInError;
  const problem = file?.problems[0]?.message;
  const lastError = file === undefined ? null : `${file.file}${problem === undefined ? '' : `: ${problem}`}`;
  const details = { loaded: slos.size, filesInError: filesInError.length };
  const found = (status: HealthStatus, message: string) => ({ status, message, lastError, details });
  if (slos.size === 0) {
    return found('down', `no SLO is loaded (${lastReload.message}): put files into --slo-dir, they are read at once`);
  }
  if (file !== undefined) {
    const count = filesInError.length === 1 ? '1 file does' : `${filesInError.length} files do`;
    return found('degraded', `${count} not load as it stands, see GET /v1/status or \`aegis validate\`: ${file.file}`);
  }
  if (lastReload.outcome === 'kept') return found('degraded', `the set of before is kept: ${lastReload.message}`);
  return found('ok', `${slos.size} SLOs are loaded`);
}

/** By what evaluations have found; nothing is asked for this. */
export function ofPrometheus(breaker: BreakerStatus, source: SourceHealth, decisions: DecisionCount): Finding {
  const { evaluated, unanswered } = decisions;
  const { lastError, latencyMs } = source;
  const details = {
    circuitBreaker: breaker.state,
    lastSuccess: instantText(source.lastSuccessMs),
    lastFailure: instantText(source.lastFailureMs),
    slosUnanswered: unanswered,
  };
  const found = (status: HealthStatus, message: string) => ({ status, message, lastError, latencyMs, details });
  if (breaker.state === 'tripped') {
    const end = 'POST /admin/circuit-breaker/reset?service=prometheus ends it';
    return found('down', `the circuit breaker was tripped by an operator, no decision is ALLOW: ${end}`);
  }
  if (breaker.state !== 'closed') {
    const cause = breaker.reason ?? 'no answer';
    return found('down', `Prometheus answers nothing (${cause}), no decision is ALLOW: is it up, and ${reached}?`);
  }
  if (evaluated > 0 && unanswered === evaluated && lastError === null) {
    const next = 'what is not ALLOW after its next turn, or with forceFresh, says why';
    return found('down', `the latest queries of every SLO failed, and Prometheus answers now: ${next}`);
  }
  if (evaluated > 0 && unanswered === evaluated) {
    return found('down', `the queries of every SLO fail, no decision is ALLOW: see lastError, and whether ${reached}`);
  }
  if (unanswered > 0) {
    return found('degraded', `the queries of ${unanswered} of ${evaluated} SLOs fail: their decisions say why`);
  }
  return found('ok', evaluated === 0 ? 'nothing was asked yet' : 'the latest queries of every SLO were answered');
}

const reached = 'the address of --prometheus-url is reached from here';

export function ofScheduler(
  decisions: DecisionCount,
  load: { readonly waiting: number; readonly running: number },
  slotsMissed: number,
): Finding {
  const { slos, evaluated, overdue } = decisions;
  const details = { slos, ...load, overdue, notEvaluatedYet: slos - evaluated, slotsMissed };
  const found = (status: HealthStatus, message: string) => ({ status, message, lastError: null, details });
  const remedy = 'see eventLoop, the CPU in GET /metrics/system, and --evaluation-concurrency';
  if (overdue > 0 && overdue === slos) return found('down', `every decision is overdue, none is ALLOW: ${remedy}`);
  if (overdue > 0) return found('degraded', `${overdue} of ${slos} decisions are overdue: ${remedy}`);
  if (evaluated < slos) return found('degraded', `${slos - evaluated} of ${slos} SLOs are not evaluated yet`);
  return found('ok', 'every decision is as young as its interval asks');
}

export function ofDatabase({ state, rows, lastError }: AuditStatus, latencyMs: number | null): Finding {
  const sum = (what: keyof RowCounts) => Object.values(rows).reduce((total, one) => total + one[what], 0);
  const waiting = sum('waiting');
  const details = { state, rowsStored: sum('stored'), rowsWaiting: waiting, rowsDropped: sum('dropped') };
  const found = (status: HealthStatus, message: string) => ({ status, message, lastError, latencyMs, details });
  if (state === 'read-only') return found('ok', 'this server is a replica (--read-only): it stores no rows, by design');
  if (state === 'replaced') {
    return found('degraded', `the file was replaced while the server ran: restart it, ${waiting} rows wait for that`);
  }
  if (state !== 'open' || lastError !== null) {
    const remedy = 'is it locked by another process, is the disk full, may it be written?';
    return found('degraded', `rows cannot be stored, ${waiting} wait, decisions go on: ${remedy}`);
  }
  return found('ok', `rows are stored, ${waiting} wait`);
}

const leastFree = 0.1;

export function ofDisk({ space, error }: DiskReading): Finding {
  const details = {
    freeBytes: space?.freeBytes ?? null,
    sizeBytes: space?.sizeBytes ?? null,
    databaseBytes: space?.databaseBytes ?? null,
  };
  const found = (status: HealthStatus, message: string) => ({ status, message, lastError: error, details });
  if (error !== null) return found('degraded', "the database's file system does not tell its room: is it mounted?");
  if (space === null) return found('ok', 'not known yet');
  const free = space.sizeBytes === 0 ? 0 : space.freeBytes / space.sizeBytes;
  const percent = `${Math.floor(free * 100)}% of the database's file system is free`;
  if (free >= leastFree) return found('ok', percent);
  return found('degraded', `${percent}: free some, or delete old rows (docs/operations.md, Database)`);
}

const longestLagMs = 500;

export function ofEventLoop(latestMs: number, greatestMs: number): Finding {
  const details = { greatestMsOfLastMinute: greatestMs };
  const found = (status: HealthStatus, message: string) => {
    return { status, message, lastError: null, latencyMs: latestMs, details };
  };
  if (greatestMs <= longestLagMs) return found('ok', 'turns come in time');
  return found('degraded', `a turn came ${greatestMs} ms late within the last minute: is the CPU taken, or too small?`);
}

const earlyDays = 30;

export function ofCertificates(certificates: readonly CertificateStatus[]): Finding {
  const [first] = certificates.toSorted((a, b) => a.notAfterMs - b.notAfterMs);
  const lastError = certificates.find((one) => one.lastError !== null)?.lastError ?? null;
  const daysLeft = first?.daysLeft ?? null;
  const found = (status: HealthStatus, message: string) => ({ status, message, lastError, details: { daysLeft } });
  if (first === undefined || daysLeft === null) return found('ok', 'there is none');
  const name = `${first.certificate} (${first.subject})`;
  if (daysLeft < 0) return found('down', `${name} has expired, clients refuse it: put a new one into its file`);
  if (lastError !== null) return found('degraded', 'a changed file was not taken, the certificate of before is shown');
  if (daysLeft < earlyDays) return found('degraded', `${name} ends in ${daysLeft} days: put a new one into its file`);
  return found('ok', `the first that ends is ${name}, in ${daysLeft} days`);
}

function instantText(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { type Decision, decisions } from '../slo/decision.ts';
import { type AuditStatus, rowKinds } from '../storage/ports.ts';
import { addRetentionMetrics, type RetentionMetricsSource } from './retention-metrics.ts';

/** What the metrics of the audit are read from. */
export interface AuditSource extends RetentionMetricsSource {
  readonly status: () => AuditStatus;
  /** Calls the listener with the time that each commit took. */
  readonly onCommit: (listener: (durationMs: number) => void) => void;
}

/** Counts a decision that was answered. */
export type CountServed = (decision: Decision, wasForced: boolean) => void;

/** The audit's metrics, and the decisions that are served into it. */
export function addAuditMetrics(registry: Registry, { status, retention, onCommit }: AuditSource): CountServed {
  addRoleMetric(registry, status);
  addRowMetrics(registry, status);
  addRetentionMetrics([registry], { retention });
  const commitSeconds = new Histogram({
    name: 'aegis_audit_commit_duration_seconds',
    help: 'Time of one commit to the audit database, waiting for its lock included.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers: [registry],
  });
  onCommit((durationMs) => commitSeconds.observe(durationMs / 1000));
  return addServedMetric(registry);
}

function addRowMetrics(registry: Registry, status: () => AuditStatus): void {
  const common = { labelNames: ['kind'] as const, registers: [registry] };
  // Counts kept elsewhere: shown as counters, set rather than incremented.
  const counter = (what: 'stored' | 'dropped', help: string) =>
    new Counter({
      name: `aegis_audit_rows_${what}_total`,
      help,
      ...common,
      collect() {
        const { rows } = status();
        this.reset();
        for (const kind of rowKinds) this.inc({ kind }, rows[kind][what]);
      },
    });
  counter('stored', 'Audit rows committed.');
  counter('dropped', 'Audit rows lost because too many waited.');
  new Gauge({
    name: 'aegis_audit_rows_waiting',
    help: 'Audit rows that wait for a commit; served decisions always do for a moment, to be written together.',
    ...common,
    collect() {
      const { rows } = status();
      for (const kind of rowKinds) this.set({ kind }, rows[kind].waiting);
    },
  });
  new Gauge({
    name: 'aegis_audit_database_up',
    help: '1 while the audit database is open and takes rows; a replica has none, and not this series.',
    registers: [registry],
    collect() {
      const { state, lastError } = status();
      if (state === 'read-only') this.remove();
      else this.set(state === 'open' && lastError === null ? 1 : 0);
    },
  });
}

function addRoleMetric(registry: Registry, status: () => AuditStatus): void {
  new Gauge({
    name: 'aegis_read_only',
    help: '1 on a replica (--read-only), which evaluates and answers, and writes no audit; 0 on an active server.',
    registers: [registry],
    collect() {
      this.set(status().state === 'read-only' ? 1 : 0);
    },
  });
}

/** Counted in plain numbers, as it is on the way of every decision. */
function addServedMetric(registry: Registry): CountServed {
  const counts = { forced: countsOf(), plain: countsOf() };
  new Counter({
    name: 'aegis_decisions_served_total',
    help: 'Decisions answered, by what was answered and whether a fresh evaluation was asked for.',
    labelNames: ['decision', 'forced'],
    registers: [registry],
    collect() {
      this.reset();
      for (const decision of decisions) {
        this.inc({ decision, forced: 'true' }, counts.forced[decision]);
        this.inc({ decision, forced: 'false' }, counts.plain[decision]);
      }
    },
  });
  return (decision, wasForced) => {
    counts[wasForced ? 'forced' : 'plain'][decision] += 1;
  };
}

function countsOf(): Record<Decision, number> {
  return { ALLOW: 0, WARN: 0, BLOCK: 0 };
}

import { Counter, Gauge, type Registry } from 'prom-client';
import { type RetentionStatus, rowKinds, sweptKinds } from '../storage/ports.ts';

export interface RetentionMetricsSource {
  readonly retention: () => RetentionStatus;
}

/** What retention does, as the last sweep found it. What is not known is absent: a 0 would be a number. */
export function addRetentionMetrics(registers: Registry[], { retention }: RetentionMetricsSource): void {
  new Counter({
    name: 'aegis_audit_rows_deleted_total',
    help: 'Audit rows that retention deleted; `version` is a version of an SLO that no evaluation refers to any more.',
    labelNames: ['kind'],
    registers,
    collect() {
      const { deleted } = retention();
      this.reset();
      for (const kind of sweptKinds) this.inc({ kind }, deleted[kind]);
    },
  });
  new Gauge({
    name: 'aegis_audit_oldest_row_timestamp_seconds',
    help: 'When the oldest audit row that is kept was written.',
    labelNames: ['kind'],
    registers,
    collect() {
      const { oldestMs } = retention();
      this.reset();
      for (const kind of rowKinds) {
        const ms = oldestMs[kind];
        if (ms !== null) this.set({ kind }, ms / 1000);
      }
    },
  });
  const known = (name: string, help: string, read: (status: RetentionStatus) => number | null) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        const value = read(retention());
        if (value === null) this.remove();
        else this.set(value);
      },
    });
  known(
    'aegis_audit_last_sweep_timestamp_seconds',
    'When retention last went through the audit to its end.',
    ({ sweptAtMs }) => sweptAtMs && sweptAtMs / 1000,
  );
  known(
    'aegis_audit_growth_bytes_per_day',
    'What new audit rows take a day, by the last day or what was seen of it, an hour at least; without what is deleted.',
    ({ growthBytesPerDay }) => growthBytesPerDay,
  );
}

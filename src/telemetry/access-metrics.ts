import { Counter, type Registry } from 'prom-client';

/** Refusals by reason since the start, all reasons among them. */
export type RefusalCounts = () => ReadonlyMap<string, number>;

export function addAccessMetrics(registers: Registry[], refusals: RefusalCounts): void {
  new Counter({
    name: 'aegis_auth_failures_total',
    help: 'Requests whose key or token was missing or refused, by reason.',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset();
      for (const [reason, count] of refusals()) this.inc({ reason }, count);
    },
  });
}

import { Gauge, type Registry } from 'prom-client';
import type { SloCatalogue } from '../catalogue/ports.ts';

/** What is read at the start and again while the server runs. SLO files are not among them: the catalogue tells of those. */
export type Reloaded = 'settings' | 'keys' | 'issuers' | 'certificates';

/** To be told of each reading, also of the first. A reading that failed leaves what was read before in use. */
export type OnReload = (what: Reloaded, ok: boolean) => void;

/** Whether the latest reading of each thing succeeded, and when it was. */
export function addReloadMetrics(registers: Registry[], catalogue: Pick<SloCatalogue, 'current'>): OnReload {
  const success = new Gauge({
    name: 'aegis_last_reload_success',
    help: 'Whether the latest reading succeeded: 1, or 0 where what was read before stays in use.',
    labelNames: ['what'],
    registers,
    collect() {
      this.set({ what: 'slos' }, catalogue.current().lastReload.outcome === 'ok' ? 1 : 0);
    },
  });
  const at = new Gauge({
    name: 'aegis_last_reload_timestamp_seconds',
    help: 'When the latest reading was, whatever came of it.',
    labelNames: ['what'],
    registers,
    collect() {
      this.set({ what: 'slos' }, catalogue.current().lastReload.atMs / 1000);
    },
  });
  return (what, ok) => {
    success.set({ what }, ok ? 1 : 0);
    at.setToCurrentTime({ what });
  };
}

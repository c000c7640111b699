import type { ReloadReport } from './api/orders.ts';
import type { CatalogueSnapshot } from './catalogue/ports.ts';
import type { SettingsReload } from './config/live-settings.ts';
import type { Log } from './log.ts';

/** What a reload came to, as an answer. The catalogue's own lines tell of SLO files. */
export function reloadReport(
  settings: SettingsReload,
  { slos, lastReload }: CatalogueSnapshot,
  /** Why certificates were not taken, or null; undefined without TLS. */
  certificates: string | null | undefined,
): ReloadReport {
  const { outcome, message } = lastReload;
  return {
    slos: { outcome, message, loaded: slos.size },
    settings:
      settings.kind === 'read'
        ? { changed: settings.changed, needRestart: settings.needRestart, error: null }
        : { changed: [], needRestart: [], error: settings.message },
    ...(certificates !== undefined && { certificates: { error: certificates } }),
  };
}

/** Tells what of the settings was taken over by a reload, and what was not. */
export function logSettings({ settings }: ReloadReport, log: Log): void {
  const fields = { component: 'config' };
  if (settings.error !== null) log.error(`settings not reloaded, all stay as they are: ${settings.error}`, fields);
  if (settings.changed.length > 0) log.info(`settings reloaded: ${settings.changed.join(', ')}`, fields);
  if (settings.needRestart.length > 0) {
    log.warn(`settings changed that need a restart: ${settings.needRestart.join(', ')}`, fields);
  }
}

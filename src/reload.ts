import type { FileReload } from './access/live-file.ts';
import type { ReloadReport } from './api/orders.ts';
import type { CatalogueSnapshot } from './catalogue/ports.ts';
import type { SettingsReload } from './config/live-settings.ts';
import type { Log } from './log.ts';

export interface Reread {
  readonly settings: SettingsReload;
  readonly catalogue: CatalogueSnapshot;
  /** Why certificates were not taken, or null; undefined without TLS. */
  readonly certificates: string | null | undefined;
  readonly keys?: FileReload;
  readonly issuers?: FileReload;
}

/** What a reload came to, as an answer. Those who read SLO files and keys log it themselves. */
export function reloadReport({ settings, catalogue, certificates, ...files }: Reread): ReloadReport {
  const { slos, lastReload } = catalogue;
  const { outcome, message } = lastReload;
  return {
    slos: { outcome, message, loaded: slos.size },
    settings:
      settings.kind === 'read'
        ? { changed: settings.changed, needRestart: settings.needRestart, error: null }
        : { changed: [], needRestart: [], error: settings.message },
    ...files,
    ...(certificates !== undefined && { certificates: { error: certificates } }),
  };
}

/** Tells what of the settings was taken over by a reload, and what was not. */
export function logSettings({ settings }: ReloadReport, log: Log): void {
  const fields = { component: 'config' };
  if (settings.error !== null) log.error(`settings not reloaded, all stay as they are: ${settings.error}`, fields);
  else if (settings.changed.length + settings.needRestart.length === 0)
    log.info('settings reloaded: as before', fields);
  if (settings.changed.length > 0) log.info(`settings reloaded: ${settings.changed.join(', ')}`, fields);
  if (settings.needRestart.length > 0) {
    log.warn(`settings changed that need a restart: ${settings.needRestart.join(', ')}`, fields);
  }
}

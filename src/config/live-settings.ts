import type { ReadSettings } from './read-settings.ts';
import type { Settings } from './settings.ts';
import { nameOf, type Setting } from './setting.ts';
import { settings as all, table } from './table.ts';

/** The settings that change while the server runs: by a reload, or by an order (src/api/orders.ts). */
export type Live = Pick<
  Settings,
  | 'logLevel'
  | 'rateLimit'
  | 'forcedRateLimit'
  | 'slowRequestMs'
  | 'requestLog'
  | 'shutdownDelayMs'
  | 'evaluationTimeoutMs'
  | 'retention'
>;

/** What reading the settings again came to, by the names that a person knows them by. */
export type SettingsReload =
  | { readonly kind: 'read'; readonly changed: readonly string[]; readonly needRestart: readonly string[] }
  /** One of them is not allowed: all stay as they are. */
  | { readonly kind: 'refused'; readonly message: string };

export interface LiveSettings {
  current(): Live;
  /**
   * Takes over what has changed since they were last read, and names what has changed and needs a restart. What was
   * ordered stands until its own setting changes.
   */
  reload(): SettingsReload;
  /** Replaces values until the setting itself is changed, or the server restarts. */
  order(values: Partial<Live>): void;
  onChange(listener: (live: Live) => void): void;
}

type Read = Extract<ReadSettings, { kind: 'settings' }>;

/** Settings that nothing is read for again; orders change them still. */
export function fixedSettings(settings: Live): LiveSettings {
  return { ...orderedSettings(settings), reload: () => ({ kind: 'read', changed: [], needRestart: [] }) };
}

export function createLiveSettings(first: Read, readAgain: () => ReadSettings): LiveSettings {
  const live = orderedSettings(first.settings);
  let told = first.told;

  return {
    ...live,
    reload() {
      const next = readAgain();
      if (next.kind !== 'settings') return { kind: 'refused', message: next.kind === 'usage' ? next.message : '' };
      const changed = all.filter((setting) => next.told.get(setting) !== told.get(setting));
      const names = new Set(changed.filter(({ reloadable }) => reloadable).map(nameOf));
      live.order(valuesOf(next.settings, (setting) => changed.includes(setting)));
      // What needs a restart is named at each reload until there was one.
      told = new Map(
        [...told].map(([setting, words]) => [
          setting,
          names.has(nameOf(setting)) ? (next.told.get(setting) ?? null) : words,
        ]),
      );
      return {
        kind: 'read',
        changed: [...names],
        needRestart: changed.filter(({ reloadable }) => reloadable !== true).map(nameOf),
      };
    },
  };
}

function orderedSettings(first: Live): Omit<LiveSettings, 'reload'> {
  let live = first;
  const listeners: ((live: Live) => void)[] = [];
  return {
    current: () => live,
    order(values) {
      live = { ...live, ...values };
      for (const listener of listeners) listener(live);
    },
    onChange: (listener) => void listeners.push(listener),
  };
}

function valuesOf(next: Live, isChanged: (setting: Setting<unknown>) => boolean): Partial<Live> {
  return {
    ...(isChanged(table.logLevel) && { logLevel: next.logLevel }),
    ...(isChanged(table.rateLimit) && { rateLimit: next.rateLimit }),
    ...(isChanged(table.forcedRateLimit) && { forcedRateLimit: next.forcedRateLimit }),
    ...(isChanged(table.slowRequestMs) && { slowRequestMs: next.slowRequestMs }),
    ...(isChanged(table.requestLog) && { requestLog: next.requestLog }),
    ...(isChanged(table.shutdownDelayMs) && { shutdownDelayMs: next.shutdownDelayMs }),
    ...(isChanged(table.evaluationTimeoutMs) && { evaluationTimeoutMs: next.evaluationTimeoutMs }),
    // All three, as nothing orders one of them.
    ...([table.auditRetentionMs, table.auditMaxRows, table.auditMaxBytes].some(isChanged) && {
      retention: next.retention,
    }),
  };
}

import type { Parser } from './parsers.ts';

/** One setting: where it is told from, what it may be and what it is when nobody says. */
export interface Setting<T> {
  /** With its two dashes; absent for secrets, which every user of a machine could read in the list of processes. */
  readonly flag?: `--${string}`;
  readonly env: string;
  readonly group: 'Server' | 'Access' | 'TLS' | 'Limits' | 'SLOs and decisions' | 'Prometheus' | 'Audit' | 'Logs';
  readonly placeholder: string;
  readonly description: string;
  readonly parser: Parser<T>;
  /** As it would be written; absent where there is none. */
  readonly fallback?: string;
  /** The flag may stand several times; the variable (and nothing else) holds one value a line. */
  readonly repeatable?: true;
  /** A reload (SIGHUP, `POST /admin/reload`) takes a new value over; without it the value is that of the start. */
  readonly reloadable?: true;
  /** How a value that is not allowed appears in the error; absent: as it stands. */
  readonly shown?: (text: string) => string;
}

/** For a secret. */
export const hidden = () => 'the value (not shown)';

/** A setting that always has a value. */
export interface DefaultedSetting<T> extends Setting<T> {
  readonly fallback: string;
}

// These fix the type of the value, and whether there always is one, while the table stays one literal.
export const optional = <T>(setting: Setting<T>): Setting<T> => setting;
export const defaulted = <T>(setting: DefaultedSetting<T>): DefaultedSetting<T> => setting;

/** The name that a person knows a setting by. */
export function nameOf(setting: Setting<unknown>): string {
  return setting.flag ?? setting.env;
}

/** Its name in the configuration file: that of the flag without the dashes. */
export function keyOf(setting: Setting<unknown>): string {
  return setting.flag?.slice(2) ?? setting.env.toLowerCase().replaceAll('_', '-');
}

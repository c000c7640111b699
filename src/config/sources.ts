import { AegisError } from '../errors.ts';
import type { DefaultedSetting, Setting } from './table.ts';
import { nameOf } from './table.ts';
import { notAllowed, quoted } from './usage.ts';

export interface Told<T> {
  readonly value: T;
  /** What the person called it: a flag or a variable. */
  readonly name: string;
  readonly source: Source;
}

type Source = 'flag' | 'environment';

interface Texts {
  readonly name: string;
  readonly source: Source;
  readonly texts: readonly string[];
}

/** Reads single settings out of the command line and the environment. Throws `invalid_setting` with the setting's name. */
export interface Sources {
  /** The last value said by the nearest source; undefined where nobody says. */
  one<T>(setting: Setting<T>): Told<T> | undefined;
  /** The same, or the default. */
  value<T>(setting: DefaultedSetting<T>): T;
  /** All values said by the nearest source. */
  all<T>(setting: Setting<T>): readonly T[];
}

export function createSources(
  flags: ReadonlyMap<Setting<unknown>, readonly string[]>,
  env: Readonly<Record<string, string | undefined>>,
): Sources {
  const textsOf = (setting: Setting<unknown>): Texts | undefined => {
    const given = flags.get(setting);
    if (given !== undefined && setting.flag !== undefined) return { name: setting.flag, source: 'flag', texts: given };
    const variable = env[setting.env];
    // An empty variable is what `docker compose` makes of one that is not set.
    if (variable !== undefined && variable !== '') {
      const texts = setting.repeatable ? variable.split(/\r?\n/).filter((line) => line.trim() !== '') : [variable];
      return { name: setting.env, source: 'environment', texts };
    }
    return undefined;
  };
  const one = <T>(setting: Setting<T>): Told<T> | undefined => {
    const given = textsOf(setting);
    const text = given?.texts.at(-1);
    if (given === undefined || text === undefined) return undefined;
    return { value: parsed(setting, given.name, text), name: given.name, source: given.source };
  };
  return {
    one,
    value: (setting) => one(setting)?.value ?? parsed(setting, nameOf(setting), setting.fallback),
    all: (setting) => {
      const given = textsOf(setting);
      return given?.texts.map((text) => parsed(setting, given.name, text)) ?? [];
    },
  };
}

function parsed<T>(setting: Setting<T>, name: string, text: string): T {
  const value = setting.parser.parse(text);
  if (value === undefined) throw notAllowed(name, (setting.shown ?? quoted)(text), setting.parser.allowed);
  return value;
}

/**
 * Of two settings that exclude each other, the one said nearer: a flag puts a variable aside. Said at the same place,
 * they are a mistake.
 */
export function nearer<A, B>(
  a: Told<A> | undefined,
  b: Told<B> | undefined,
): readonly [Told<A> | undefined, Told<B> | undefined] {
  if (a === undefined || b === undefined) return [a, b];
  if (a.source === b.source) throw new AegisError('invalid_setting', `${a.name}: not allowed together with ${b.name}`);
  return a.source === 'flag' ? [a, undefined] : [undefined, b];
}

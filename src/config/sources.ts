import { AegisError } from '../errors.ts';
import { nameOf, type DefaultedSetting, type Setting } from './setting.ts';
import { notAllowed, quoted } from './usage.ts';

/** Texts of a setting as a place says them; undefined where it says nothing. */
export type Source = (setting: Setting<unknown>) => Said | undefined;

export interface Said {
  /** What the person called it: a flag, a variable, a key of a file. */
  readonly name: string;
  readonly texts: readonly string[];
}

/** A value, and who said it. */
export interface Told<T> {
  readonly value: T;
  readonly name: string;
  /** 0 for the place that goes before all others. */
  readonly distance: number;
}

/** Reads single settings out of several places. Throws `invalid_setting` with the setting's name. */
export interface Sources {
  /** The last value said by the nearest place; undefined where nobody says. */
  one<T>(setting: Setting<T>): Told<T> | undefined;
  /** The same, or the default. */
  value<T>(setting: DefaultedSetting<T>): T;
  /** All values said by the nearest place. */
  all<T>(setting: Setting<T>): readonly T[];
  /** The words that count, one a line, or those of the default; null where there are none. */
  told(setting: Setting<unknown>): string | null;
}

/** Of several places, the first that says a setting counts. */
export function createSources(places: readonly Source[]): Sources {
  const said = (setting: Setting<unknown>) => {
    for (const [distance, place] of places.entries()) {
      const found = place(setting);
      if (found !== undefined) return { ...found, distance };
    }
    return undefined;
  };
  const one = <T>(setting: Setting<T>): Told<T> | undefined => {
    const found = said(setting);
    const text = found?.texts.at(-1);
    if (found === undefined || text === undefined) return undefined;
    return { value: parsed(setting, found.name, text), name: found.name, distance: found.distance };
  };
  return {
    one,
    value: (setting) => one(setting)?.value ?? parsed(setting, nameOf(setting), setting.fallback),
    all: (setting) => {
      const found = said(setting);
      return found?.texts.map((text) => parsed(setting, found.name, text)) ?? [];
    },
    told: (setting) => {
      const texts = said(setting)?.texts;
      if (texts === undefined) return setting.fallback ?? null;
      return setting.repeatable ? texts.join('\n') : (texts.at(-1) ?? null);
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
  if (a.distance === b.distance)
    throw new AegisError('invalid_setting', `${a.name}: not allowed together with ${b.name}`);
  return a.distance < b.distance ? [a, undefined] : [undefined, b];
}

import { isScalar, parseDocument } from 'yaml';
import { AegisError } from '../errors.ts';
import { readNamedFile } from './files.ts';
import { nearest } from '../slo/nearest.ts';
import type { Source, Told } from './sources.ts';
import { keyOf, type Setting } from './setting.ts';
import { settings } from './table.ts';
import { quoted } from './usage.ts';

export function commandLine(texts: ReadonlyMap<Setting<unknown>, readonly string[]>): Source {
  return (setting) => {
    const given = texts.get(setting);
    return given === undefined || setting.flag === undefined ? undefined : { name: setting.flag, texts: given };
  };
}

export function environment(env: Readonly<Record<string, string | undefined>>): Source {
  return (setting) => {
    const variable = env[setting.env];
    // An empty variable is what `docker compose` makes of one that is not set.
    if (variable === undefined || variable === '') return undefined;
    const texts = setting.repeatable ? variable.split(/\r?\n/).filter((line) => line.trim() !== '') : [variable];
    return { name: setting.env, texts };
  };
}

/** A YAML file of settings by their keys (`keyOf`). Throws `invalid_setting` for a file that is anything else. */
export function configurationFile(file: Told<string>): Source {
  const keys = settings.map(keyOf);
  const values = new Map<string, readonly string[]>();
  for (const [key, value] of entriesOf(file)) {
    if (!keys.includes(key)) {
      const meant = nearest(key, keys);
      const didYouMean = meant === undefined ? '' : `: did you mean ${meant}?`;
      throw new AegisError('invalid_setting', `${file.value}: ${quoted(key)}: no such setting${didYouMean}`);
    }
    values.set(key, value);
  }
  return (setting) => {
    const key = keyOf(setting);
    const texts = values.get(key);
    if (texts === undefined) return undefined;
    if (texts.length !== 1 && !setting.repeatable)
      throw new AegisError(
        'invalid_setting',
        `${file.value}: ${key}: not allowed as a list: ${setting.parser.allowed}`,
      );
    return { name: `${file.value}: ${key}`, texts };
  };
}

/** The keys of the file's map, each with its text or texts. Nothing is taken for a number or a date: parsers read texts. */
function entriesOf(file: Told<string>): readonly (readonly [string, readonly string[]])[] {
  const mistake = (message: string, cause?: unknown) =>
    new AegisError('invalid_setting', `${file.name}: ${quoted(file.value)}: ${message}`, { cause });
  const document = parseDocument(readNamedFile(file), { schema: 'failsafe' });
  const [error] = document.errors;
  // Only the place: the text of the line may hold a secret.
  if (error !== undefined) {
    const what = error.code === 'DUPLICATE_KEY' ? 'a setting stands there twice' : 'not valid YAML';
    throw mistake(`${what} (line ${error.linePos?.[0].line ?? 1})`);
  }
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === '')) return [];
  let contents: unknown;
  try {
    contents = document.toJS();
  } catch (cause) {
    throw mistake('not valid YAML (its aliases)', cause);
  }
  if (typeof contents !== 'object' || contents === null || Array.isArray(contents))
    throw mistake('not allowed: a map of settings, such as "port: 8080"');
  return Object.entries(contents).map(([key, value]: [string, unknown]) => {
    const all: readonly unknown[] = Array.isArray(value) ? value : [value];
    const texts = all.filter((item): item is string => typeof item === 'string');
    if (texts.length !== all.length) throw mistake(`${quoted(key)} is not a text or a list of texts`);
    return [key, texts];
  });
}

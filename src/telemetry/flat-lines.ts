import type { LogFields } from '../log.ts';
import { isSecret, redactText } from './redact.ts';

/** Writes lines of plain values; undefined where a value is none, or a field is named like one of every line. */
export type FlatLine = (level: string, message: string, bound: LogFields, fields: LogFields) => string | undefined;

interface Name {
  /** `,"name":` */
  readonly prefix: string;
  readonly isSecret: boolean;
  /** Of every line, so that a field of this name would stand in it twice. */
  readonly isOwn: boolean;
}

// The names of fields are few, and each stands in many lines.
const mostNames = 1000;

/** What JSON escapes, what is not ASCII, and where a secret may begin (redact.ts): all else is written as it stands. */
const needsCare = /["\\\x00-\x1f\x7f-\uffff@]|aegis_|eyJ/;

/**
 * The lines that pino would write, at a fifth of its cost: `head` is what it writes first of every line, between the
 * level and the fields. There is one such line a request. Lines that hold more than plain values are left to pino.
 */
export function flatLines(head: () => string, ownNames: ReadonlySet<string>): FlatLine {
  const names = new Map<string, Name>();

  function nameOf(name: string): Name {
    let known = names.get(name);
    if (known === undefined) {
      known = { prefix: `,${JSON.stringify(name)}:`, isSecret: isSecret(name), isOwn: ownNames.has(name) };
      if (names.size < mostNames) names.set(name, known);
    }
    return known;
  }

  return (level, message, bound, fields) => {
    let line = `{"level":"${level}"${head()}`;
    for (const name in bound) {
      const value = Object.hasOwn(fields, name) ? fields[name] : bound[name];
      const text = fieldText(nameOf(name), value);
      if (text === undefined) return undefined;
      line += text;
    }
    for (const name in fields) {
      if (Object.hasOwn(bound, name)) continue;
      const text = fieldText(nameOf(name), fields[name]);
      if (text === undefined) return undefined;
      line += text;
    }
    return `${line},"message":${stringText(message)}}\n`;
  };
}

/** Undefined where the name or the value is not plain; empty where it is left out. */
function fieldText({ prefix, isSecret: isHidden, isOwn }: Name, value: unknown): string | undefined {
  if (isOwn) return undefined;
  if (isHidden) return `${prefix}"[redacted]"`;
  if (typeof value === 'string') return prefix + stringText(value);
  if (typeof value === 'number') return `${prefix}${Number.isFinite(value) ? value : 'null'}`;
  if (typeof value === 'boolean') return `${prefix}${value}`;
  return value === undefined ? '' : undefined;
}

function stringText(text: string): string {
  return needsCare.test(text) ? JSON.stringify(redactText(text)) : `"${text}"`;
}

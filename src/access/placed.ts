import { isCollection, isNode, LineCounter, parseDocument, type Document } from 'yaml';
import { AegisError } from '../errors.ts';

/** A value of a YAML (or JSON) file that knows its place, for the message that refuses it. Scalars are texts. */
export interface Placed {
  readonly value: unknown;
  readonly path: readonly (string | number)[];
  readonly source: Source;
}

interface Source {
  readonly file: string;
  readonly document: Document;
  readonly lines: LineCounter;
}

/** The whole of a file; undefined where it is empty. Throws `invalid_setting`. */
export function readPlaced(text: string, file: string): Placed | undefined {
  const lines = new LineCounter();
  // failsafe: nothing is taken for a number, a date or a boolean but where it is asked for.
  const document = parseDocument(text, { schema: 'failsafe', lineCounter: lines });
  const [error] = document.errors;
  if (error !== undefined) {
    // Only the place: the parser's own words show the line, which may hold a secret.
    const { line, col } = error.linePos?.[0] ?? { line: 1, col: 1 };
    throw new AegisError('invalid_setting', `${file}:${line}:${col}: not valid YAML or JSON`);
  }
  const source = { file, document, lines };
  const root = { value: valueOf(source), path: [], source };
  return root.value === null || root.value === '' ? undefined : root;
}

function valueOf({ file, document }: Source): unknown {
  try {
    return document.toJS();
  } catch (cause) {
    throw new AegisError('invalid_setting', `${file}: not valid YAML or JSON (its aliases)`, { cause });
  }
}

/** To be thrown: what is wrong at this place, and what is allowed there. */
export function refusal({ path, source }: Placed, message: string): AegisError {
  const where = placeOf(source, path);
  const name = path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`),
    '',
  );
  return new AegisError('invalid_setting', `${source.file}${where}: ${name === '' ? message : `${name}: ${message}`}`);
}

function placeOf({ document, lines }: Source, path: Placed['path']): string {
  for (let at = path; ; at = at.slice(0, -1)) {
    const node = document.getIn(at, true);
    const offset = isNode(node) ? node.range?.[0] : undefined;
    if (offset !== undefined) {
      const { line, col } = lines.linePos(offset);
      return `:${line}:${col}`;
    }
    if (at.length === 0) return isCollection(document.contents) ? ':1:1' : '';
  }
}

/** The fields of a map, of which none may be unknown: a misspelled restriction would be none. */
export function fieldsOf<const K extends string>(
  placed: Placed,
  known: readonly K[],
): Readonly<Partial<Record<K, Placed>>> {
  const { value, path, source } = placed;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw refusal(placed, `not allowed: a map of ${known.join(', ')}`);
  const fields: Partial<Record<K, Placed>> = {};
  for (const [key, inner] of Object.entries(value)) {
    const field = { value: inner as unknown, path: [...path, key], source };
    const name = known.find((one) => one === key);
    if (name === undefined) throw refusal(field, `no such field: there are ${known.join(', ')}`);
    fields[name] = field;
  }
  return fields;
}

/** The field itself, or the refusal of a map without it. */
export function required(placed: Placed, field: Placed | undefined, name: string): Placed {
  if (field === undefined) throw refusal(placed, `${name} is missing`);
  return field;
}

export function listOf(placed: Placed): readonly Placed[] {
  const { value, path, source } = placed;
  if (!Array.isArray(value)) throw refusal(placed, 'not allowed: a list');
  return value.map((inner: unknown, index) => ({ value: inner, path: [...path, index], source }));
}

export function textOf(placed: Placed): string {
  if (typeof placed.value !== 'string' || placed.value === '') throw refusal(placed, 'not allowed: a text, not empty');
  return placed.value;
}

/** A text, or a list of texts; at least one. */
export function textsOf(placed: Placed): readonly Placed[] {
  const items = typeof placed.value === 'string' ? [placed] : listOf(placed);
  if (items.length === 0) throw refusal(placed, 'not allowed: empty, which would match nothing');
  for (const item of items) textOf(item);
  return items;
}

/** RFC 3339, or a day, which is its beginning in UTC; in epoch milliseconds. */
export function instantOf(placed: Placed): number {
  const text = textOf(placed);
  const isInstant = /^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d))?$/.test(text);
  const ms = isInstant ? Date.parse(text) : NaN;
  if (Number.isNaN(ms)) throw refusal(placed, 'not allowed: an instant such as 2026-12-31T00:00:00Z, or a day');
  return ms;
}

/** A text as a message shows it: quoted, and cut where it is long. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

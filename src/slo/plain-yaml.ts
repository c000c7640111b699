/** A document of which nothing but its value and one place is known. */
export interface PlainDocument {
  readonly value: unknown;
  /** Of the value of `metadata.id`. */
  readonly idOffset: number;
}

/**
 * Reads the YAML that SLO files are usually written in: one document of maps and of lists of maps, in blocks, each value
 * behind its key or in a literal block. Undefined for anything else, and wherever it is not sure: then the library reads
 * the text (yaml-text.ts), which takes several times as long. What is returned is what the library makes of the text
 * without an error or a warning: a test holds the two against each other.
 */
export function readPlainYaml(text: string): PlainDocument | undefined {
  const lines = linesOf(text);
  if (lines === undefined) return undefined;
  const reading: Reading = { text, lines, at: 0, idOffset: -1 };
  const first = current(reading);
  if (first?.indent === 0 && textOf(first, text) === '---') reading.at += 1;
  const value = readMap(reading, 0, { key: '', depth: 0 });
  if (value === undefined || current(reading) !== undefined || reading.idOffset < 0) return undefined;
  return { value, idOffset: reading.idOffset };
}

interface Line {
  readonly indent: number;
  /** Of what stands behind the indentation, and of the line's end. */
  readonly from: number;
  readonly to: number;
}

interface Reading {
  readonly text: string;
  /** Those that are not empty. */
  readonly lines: Line[];
  at: number;
  idOffset: number;
}

/** Where a value stands. */
interface Parent {
  readonly key: string;
  readonly depth: number;
}

const deepest = 16;

/** No tab, no carriage return, nothing beyond ASCII. */
const usual = /^[\n -~]*$/;

function linesOf(text: string): Line[] | undefined {
  if (!usual.test(text)) return undefined;
  const lines: Line[] = [];
  for (let start = 0, to = 0; start < text.length; start = to + 1) {
    to = text.indexOf('\n', start);
    if (to < 0) to = text.length;
    let from = start;
    while (from < to && text[from] === ' ') from += 1;
    if (from < to) lines.push({ indent: from - start, from, to });
    else if (from > start) return undefined; // spaces alone may belong to a literal block
  }
  return lines;
}

/** The next line that is no comment. */
function current(reading: Reading): Line | undefined {
  for (;;) {
    const line = reading.lines[reading.at];
    if (line === undefined || reading.text[line.from] !== '#') return line;
    reading.at += 1;
  }
}

/** A line without its comment. One that seems to begin inside quotes leaves half of them, which is no value. */
function textOf({ from, to }: Line, text: string): string {
  const line = text.slice(from, to);
  const comment = line.indexOf(' #');
  return (comment < 0 ? line : line.slice(0, comment)).trimEnd();
}

const entry = /^([A-Za-z_][A-Za-z0-9_./-]{0,127}):(?: +(.*))?$/;

function readMap(reading: Reading, indent: number, parent: Parent): object | undefined {
  if (parent.depth > deepest) return undefined;
  const map: Record<string, unknown> = {};
  for (let line = current(reading); line !== undefined && line.indent >= indent; line = current(reading)) {
    const text = textOf(line, reading.text);
    const [, key, behind = ''] = entry.exec(text) ?? [];
    if (
      line.indent > indent ||
      key === undefined ||
      meansMore.test(key) ||
      key === '__proto__' ||
      Object.hasOwn(map, key)
    )
      return undefined;
    reading.at += 1;
    const value = readValue(reading, line, behind, { key, depth: parent.depth + 1 });
    if (value === undefined) return undefined;
    if (key === 'id' && parent.key === 'metadata' && parent.depth === 1) {
      reading.idOffset = line.from + text.length - behind.length;
    }
    map[key] = value;
  }
  return map;
}

function readValue(reading: Reading, line: Line, behind: string, parent: Parent): unknown {
  if (behind === '|' || behind === '|-') return readLiteral(reading, line, behind === '|' ? '\n' : '');
  if (behind !== '') return scalarOf(behind);
  const next = current(reading);
  if (next === undefined || next.indent < line.indent) return undefined;
  if (isItem(reading, next)) return readList(reading, next.indent, parent);
  return next.indent > line.indent ? readMap(reading, next.indent, parent) : undefined;
}

function isItem({ text }: Reading, { from }: Line): boolean {
  return text.startsWith('- ', from);
}

function readList(reading: Reading, indent: number, parent: Parent): unknown[] | undefined {
  const list: unknown[] = [];
  for (let line = current(reading); line?.indent === indent && isItem(reading, line); line = current(reading)) {
    const dash = /^- +/.exec(reading.text.slice(line.from, line.to))?.[0].length ?? 0;
    const inner = { indent: indent + dash, from: line.from + dash, to: line.to };
    reading.lines[reading.at] = inner; // its first key stands where the others do
    const item = readMap(reading, inner.indent, { key: '', depth: parent.depth + 1 });
    if (item === undefined) return undefined;
    list.push(item);
  }
  return list;
}

/** A block without empty lines, of which each ends. */
function readLiteral(reading: Reading, { indent, to }: Line, lastBreak: string): string | undefined {
  const block = reading.lines[reading.at]?.indent ?? 0;
  if (block <= indent) return undefined;
  const lines: string[] = [];
  let end = to;
  for (let line = reading.lines[reading.at]; line !== undefined && line.indent >= block;) {
    const start = line.from - line.indent;
    if (start !== end + 1 || line.to === reading.text.length) return undefined;
    lines.push(reading.text.slice(start + block, line.to));
    end = line.to;
    line = reading.lines[++reading.at];
  }
  return lines.join('\n') + lastBreak;
}

const word = /^[A-Za-z](?:[^:#]|:(?! |$))*$/;
/** Words that YAML takes for something else, or took in older versions. */
const meansMore = /^(?:true|false|null|yes|no|on|off|y|n)$/i;
const number = /^(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?$/;
const duration = /^[0-9]{1,15}[smhd]$/;
const quoted = /^(?:'([^']*)'|"([^"\\]*)")$/;

function scalarOf(text: string): string | number | undefined {
  if (word.test(text)) return meansMore.test(text) ? undefined : text;
  if (number.test(text)) return Number(text);
  if (duration.test(text)) return text;
  const [, once, twice] = quoted.exec(text) ?? [];
  return once ?? twice;
}

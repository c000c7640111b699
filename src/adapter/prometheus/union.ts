import type { Part, Unit } from './part.ts';

/** The label that tells the parts of a union apart. No series has it: names with two underscores are reserved. */
export const partLabel = '__aegis_part__';

/** One request: one part as it stands, or a union of several whose samples carry their tag. */
export interface Inquiry {
  readonly promql: string;
  readonly tagged: boolean;
  readonly parts: readonly Part[];
  /** The groups in it, each once. */
  readonly groups: readonly string[];
}

/** Bytes; VictoriaMetrics refuses queries over 16 kB (`-search.maxQueryLen`). */
export const longestUnion = 15_000;

/**
 * The requests that ask all units: one union, but for units as they stand, for groups that go alone, and for what does
 * not fit under the limit. A unit is never torn apart unless it alone is too long.
 */
export function inquiriesFor(units: readonly Unit[], alone: ReadonlySet<string> = new Set()): readonly Inquiry[] {
  const together = units.filter((unit) => !unit.asItStands && !alone.has(unit.group));
  const apart = [...alone].map((group) => units.filter((unit) => !unit.asItStands && unit.group === group));
  return [
    ...[together, ...apart].flatMap(packed),
    ...units.filter((unit) => unit.asItStands).flatMap((unit) => unit.parts.map((part) => single(part, unit.group))),
  ];
}

/** The requests that a refused or unfinished union becomes: one a window, one for the checks. */
export function splitByGroup(units: readonly Unit[], groups: readonly string[]): readonly Inquiry[] {
  return inquiriesFor(
    units.filter((unit) => !unit.asItStands && groups.includes(unit.group)),
    new Set(groups),
  );
}

function packed(units: readonly Unit[]): Inquiry[] {
  const bins: { readonly units: Unit[]; bytes: number }[] = [];
  const tooLong: Unit[] = [];
  for (const unit of units) {
    const bytes = Buffer.byteLength(unionText(unit.parts));
    const last = bins.at(-1);
    if (bytes > longestUnion) {
      tooLong.push(unit);
    } else if (last !== undefined && last.bytes + separator.length + bytes <= longestUnion) {
      last.units.push(unit);
      last.bytes += separator.length + bytes;
    } else {
      bins.push({ units: [unit], bytes });
    }
  }
  return [
    ...bins.map((bin) => union(bin.units)),
    ...tooLong.flatMap((unit) => unit.parts.map((part) => single(part, unit.group))),
  ];
}

const separator = '\nor ';

function union(units: readonly Unit[]): Inquiry {
  const parts = units.flatMap((unit) => unit.parts);
  const groups = [...new Set(units.map(({ group }) => group))];
  return { promql: unionText(parts), tagged: true, parts, groups };
}

function single(part: Part, group: string): Inquiry {
  return { promql: part.promql, tagged: false, parts: [part], groups: [group] };
}

/**
 * The series of a part are sent one by one, not as a sum made by the server, which would hide a negative or NaN one.
 * A newline goes before each bracket, because the part may end in a comment.
 */
function unionText(parts: readonly Part[]): string {
  return parts.map(tagged).join(separator);
}

function tagged({ tag, type, promql }: Part): string {
  // label_replace takes an instant vector only.
  const vector = type === 'scalar' ? `vector(${promql}\n)` : promql;
  // The label itself is the source, and any value of it is replaced: an empty source name has no meaning in MetricsQL.
  return `label_replace(${vector}\n,"${partLabel}","${tag}","${partLabel}",".*")`;
}

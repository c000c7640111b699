import { isAlias, visit, type Document, type YAMLError } from 'yaml';
import { checkConsistency, checkDurations } from './consistency.ts';
import { declaredBy, declaredInText, type Declaration } from './declaration.ts';
import { repeatedKeys } from './document-keys.ts';
import { offsetOf, scalarSource } from './document-place.ts';
import { factsOf } from './facts.ts';
import { error, type Finding } from './finding.ts';
import { sliHash, specHash } from './hash.ts';
import { inOnePiece } from './in-one-piece.ts';
import { formatPath } from './json-path.ts';
import type { Slo } from './model.ts';
import type { Problem } from './problem.ts';
import { checkQueries } from './query-check.ts';
import { checkSchema } from './schema-check.ts';
import { lineAt, placeAt, type Place, type Source } from './source.ts';
import { toSlo } from './to-slo.ts';

export interface ParsedSlo {
  readonly slo: Slo;
  /** Of the document and of the queries (hash.ts), made once with it: a reload holds them against what is served. */
  readonly specHash: string;
  readonly sliHash: string;
  /** Of its `metadata.id`. */
  readonly place: Place;
}

export interface DocumentReading {
  /** Absent where the document has an error. */
  readonly parsed?: ParsedSlo;
  readonly problems: readonly Problem[];
  readonly declares: Declaration;
}

/** Nobody reads more of one file, and each costs a search for its place. */
export const mostProblems = 200;

/** A problem before its offset is made a line and a column. */
interface Placed {
  readonly offset: number;
  readonly problem: Pick<Problem, 'severity' | 'path' | 'message'>;
}

/** Reads one YAML document as an SLO: all that is wrong with it, or the SLO. */
export function readDocument(document: Document.Parsed, source: Source): DocumentReading {
  const inYaml = [...yamlProblems(document), ...repeatedKeyProblems(document, source), ...aliasProblems(document)];
  const isBroken = inYaml.some(({ problem }) => problem.severity === 'error');
  const value = toValue(document);
  // A document that YAML could not read to its end would seem to miss keys; one with a key twice is whole.
  const checked = document.errors.length > 0 || !value.ok ? { findings: [] } : check(document, value.value, source);
  const unreadable = value.ok || isBroken ? [] : [{ offset: document.range[0], problem: error([], value.message) }];
  const placed = [
    ...inYaml.slice(0, mostProblems + 1),
    ...unreadable.map(({ offset, problem }) => ({ offset, problem: { ...problem, path: '' } })),
    ...checked.findings.slice(0, mostProblems + 1).map((finding) => place(finding, document, source)),
  ].sort((a, b) => a.offset - b.offset);
  const problems = placed.map(({ offset, problem }) => ({ ...problem, ...placeAt(offset, source) }));
  const declares = declarationOf(document, value, source);
  if (checked.slo === undefined || problems.some(({ severity }) => severity === 'error')) return { problems, declares };
  const idOffset = offsetOf(document, error(['metadata', 'id'], ''), source.text);
  const { slo } = checked;
  const parsed = {
    slo,
    specHash: specHash(slo.document),
    sliHash: sliHash(slo),
    place: { ...inOnePiece(placeAt(idOffset, source)), file: source.file },
  };
  const { id, service, environment } = slo; // the same, and no slices of the text, each of which would keep all of it
  return { parsed, problems, declares: { id, service, environment } };
}

function check(
  document: Document.Parsed,
  value: unknown,
  { text }: Source,
): { findings: readonly Finding[]; slo?: Slo } {
  const facts = factsOf(value);
  const between = [...checkConsistency(facts), ...checkQueries(facts)];
  const result = checkSchema(value, (path) => scalarSource(document, path, text));
  if ('findings' in result) return { findings: [...result.findings, ...between] };
  const findings = [...checkDurations(result.file), ...between];
  return findings.some(({ severity }) => severity === 'error') ? { findings } : { findings, slo: toSlo(result.file) };
}

function place(finding: Finding, document: Document.Parsed, { text }: Source): Placed {
  const { severity, path, message } = finding;
  return { offset: offsetOf(document, finding, text), problem: { severity, path: formatPath(path), message } };
}

type Value = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly message: string };

/** The document as plain data. Aliases that would multiply without bound are refused by the library. */
function toValue(document: Document.Parsed): Value {
  try {
    return { ok: true, value: document.toJS({ maxAliasCount: 100 }) };
  } catch (cause) {
    return { ok: false, message: cause instanceof Error ? cause.message : String(cause) };
  }
}

const longestMessage = 300;

function yamlProblems(document: Document.Parsed): Placed[] {
  const placed = (severity: Problem['severity']) => (problem: YAMLError) => {
    const message = problem.message.slice(0, longestMessage);
    return { offset: problem.pos[0], problem: { severity, path: '', message } };
  };
  // A tag of somebody else's (`!env X`) would be dropped in silence.
  const tags = document.warnings.filter(({ code }) => code === 'TAG_RESOLVE_FAILED');
  const others = document.warnings.filter(({ code }) => code !== 'TAG_RESOLVE_FAILED');
  // After a first error the rest of the text is read wrongly, and every token of it is unexpected.
  const errors = document.errors.filter(({ code, pos }, index, all) => {
    return index === 0 || (code !== 'UNEXPECTED_TOKEN' && pos[0] !== all[index - 1]?.pos[0]);
  });
  return [...errors.map(placed('error')), ...tags.map(placed('error')), ...others.map(placed('warning'))];
}

function repeatedKeyProblems(document: Document.Parsed, source: Source): Placed[] {
  return repeatedKeys(document).map(({ key, offset, firstOffset }) => ({
    offset,
    problem: {
      severity: 'error',
      path: '',
      message: `the key ${key} is given twice, first on line ${lineAt(firstOffset, source)}`,
    },
  }));
}

function aliasProblems(document: Document.Parsed): Placed[] {
  const anchors = new Set<string>();
  const placed: Placed[] = [];
  visit(document, {
    Node: (_, node) => {
      if (!isAlias(node)) {
        if (node.anchor !== undefined) anchors.add(node.anchor);
      } else if (!anchors.has(node.source)) {
        const message = `the alias *${node.source} has no anchor before it`;
        placed.push({ offset: node.range?.[0] ?? 0, problem: { severity: 'error', path: '', message } });
      }
    },
  });
  return placed;
}

function declarationOf(document: Document.Parsed, value: Value, { text }: Source): Declaration {
  const declared = value.ok ? declaredBy(value.value) : {};
  if (value.ok && document.errors.length === 0) return declared;
  return { ...declaredInText(text.slice(document.range[0], document.range[2]))[0], ...declared };
}

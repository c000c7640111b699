import type { Document } from 'yaml';
import { declaredInText, type Declaration } from './declaration.ts';
import type { Problem } from './problem.ts';
import { mostProblems, readDocument, type ParsedSlo } from './read-document.ts';
import { placeAt, sourceOf } from './source.ts';
import { readYaml } from './yaml-text.ts';

export interface ParsedFile {
  readonly file: string;
  /** Of every document without an error. */
  readonly slos: readonly ParsedSlo[];
  /** Errors and warnings in the order of the text; with an error in any document the file is not loaded. */
  readonly problems: readonly Problem[];
  /** One for each document that says anything of its identity, valid or not. */
  readonly declares: readonly Declaration[];
}

/** Reads an SLO file, one or several YAML documents, and tells every error at once. Never throws, whatever the text. */
export function parseSloFile(text: string, file: string): ParsedFile {
  const yaml = readYaml(text);
  const source = sourceOf(text, file);
  const at = (severity: Problem['severity'], offset: number, message: string): Problem => ({
    severity,
    ...placeAt(offset, source),
    path: '',
    message,
  });
  if (!yaml.ok) {
    return { file, slos: [], problems: [at('error', yaml.offset, yaml.message)], declares: declaredInText(text) };
  }
  const readings = yaml.documents.filter(hasContents).map((document) => readDocument(document, source));
  if (readings.length === 0) {
    return { file, slos: [], problems: [at('warning', 0, 'the file holds no document')], declares: [] };
  }
  // They are held as long as the file is: as copies, without the room for more that an array is made with.
  return {
    file,
    slos: readings.flatMap(({ parsed }) => parsed ?? []).slice(),
    problems: bounded(readings.flatMap(({ problems }) => problems)).slice(),
    declares: readings
      .map(({ declares }) => declares)
      .filter((declares) => Object.keys(declares).length > 0)
      .slice(),
  };
}

/** Whether there is anything between two `---`: a comment alone is no document. */
function hasContents(document: Document.Parsed): boolean {
  const { contents, errors } = document;
  return errors.length > 0 || !(contents === null || ('source' in contents && contents.source === ''));
}

function bounded(problems: readonly Problem[]): readonly Problem[] {
  const last = problems[mostProblems];
  if (last === undefined) return problems;
  const message = `more problems follow, of which the first ${mostProblems} are told`;
  // An error, so that no error is hidden behind warnings.
  return [...problems.slice(0, mostProblems), { ...last, severity: 'error', path: '', message }];
}

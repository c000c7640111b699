import { sep } from 'node:path';
import type { ParsedSlo } from '../slo/read-document.ts';
import type { Problem } from '../slo/problem.ts';
import { duplicateOf } from '../slo/duplicate-id.ts';
import type { DirectoryReading } from './directory-reader.ts';
import type { FileReading } from './file-reader.ts';
import type { CatalogueSnapshot, FileInError, LoadedSlo } from './ports.ts';

/** What is served, and what the next reading is held against. */
export type ServedSet = Pick<CatalogueSnapshot, 'slos' | 'filesInError' | 'warnings' | 'files'> & {
  /** The SLOs of each file's last version without an error. */
  readonly lastGood: ReadonlyMap<string, readonly ParsedSlo[]>;
  readonly outcome: CatalogueSnapshot['lastReload']['outcome'];
};

/**
 * The set to serve after a reading. A file that cannot be read, has an error or was emptied keeps the SLOs of its last
 * good version; only a removed file's SLOs go, and not even those where the whole directory is empty all at once.
 */
export function nextSet(before: ServedSet | undefined, reading: DirectoryReading): ServedSet {
  const isEmpty = reading.files.length === 0 && reading.unreadableBelow.length === 0;
  if (before !== undefined && before.slos.size > 0 && isEmpty) return keepAll(before, reading);
  const lastGood = goodVersions(before, reading);
  const candidates = [...lastGood].flatMap(([file, slos]) => slos.map((parsed) => ({ file, parsed })));
  const { served, duplicates } = resolveIds(candidates, before);
  const filesInError = inError(reading, before, served, duplicates);
  return {
    slos: served,
    lastGood,
    filesInError,
    warnings: reading.files.flatMap((file) => warningsOf(file)),
    files: reading.files.length,
    outcome: filesInError.length > 0 ? 'errors' : 'ok',
  };
}

function keepAll(before: ServedSet, { directory, unreadable }: DirectoryReading): ServedSet {
  const cause = unreadable ?? 'it holds no *.yaml or *.yml file any more';
  const message = `${cause}: the ${before.slos.size} SLOs loaded before go on being served`;
  const problem: Problem = { severity: 'error', file: directory, path: '', message };
  const keeps = [...before.slos.keys()];
  return { ...before, filesInError: [{ file: directory, problems: [problem], declares: [], keeps }], outcome: 'kept' };
}

function goodVersions(before: ServedSet | undefined, reading: DirectoryReading): Map<string, readonly ParsedSlo[]> {
  const good = new Map<string, readonly ParsedSlo[]>();
  const lastOf = (file: string) => before?.lastGood.get(file) ?? [];
  for (const found of reading.files) {
    const stands = 'parsed' in found && !hasError(found.parsed.problems) && found.parsed.slos.length > 0;
    good.set(found.file, stands ? found.parsed.slos : lastOf(found.file));
  }
  for (const { path } of reading.unreadableBelow) {
    for (const file of before?.lastGood.keys() ?? []) if (isBelow(file, path)) good.set(file, lastOf(file));
  }
  return new Map([...good].sort(([a], [b]) => (a < b ? -1 : 1)));
}

interface Candidate {
  readonly file: string;
  readonly parsed: ParsedSlo;
}

interface Duplicate extends Candidate {
  readonly problem: Problem;
}

/** Ids are unique: of several the one that runs stays, and where none runs, none is loaded. */
function resolveIds(candidates: readonly Candidate[], before: ServedSet | undefined) {
  const byId = new Map<string, Candidate[]>();
  for (const candidate of candidates) {
    const { id } = candidate.parsed.slo;
    const known = byId.get(id);
    if (known === undefined) byId.set(id, [candidate]);
    else known.push(candidate);
  }
  const served = new Map<string, LoadedSlo>();
  const duplicates: Duplicate[] = [];
  for (const [id, all] of byId) {
    const running = before?.slos.get(id);
    const winner = all.length === 1 ? all[0] : stillRunning(all, running);
    if (winner !== undefined) served.set(id, load(winner, running));
    else if (running !== undefined) served.set(id, running);
    for (const loser of all) {
      if (loser === winner) continue;
      const others = all.filter((other) => other !== loser).map(({ parsed }) => parsed);
      duplicates.push({ ...loser, problem: duplicateOf(loser.parsed, others) });
    }
  }
  return { served, duplicates };
}

/** Which of several SLOs of one id is the one that runs: that of its file, and where the file has two, the unchanged one. */
function stillRunning(all: readonly Candidate[], running: LoadedSlo | undefined): Candidate | undefined {
  const inItsFile = all.filter(({ file }) => file === running?.file);
  if (inItsFile.length === 1) return inItsFile[0];
  return inItsFile.find(({ parsed }) => parsed.specHash === running?.specHash);
}

/** The SLO as it is served; the same object where nothing changed. */
function load({ file, parsed: { slo, specHash, sliHash } }: Candidate, running: LoadedSlo | undefined): LoadedSlo {
  if (running?.specHash === specHash && running.file === file) return running;
  return { slo, specHash, sliHash, file };
}

function inError(
  reading: DirectoryReading,
  before: ServedSet | undefined,
  served: ReadonlyMap<string, LoadedSlo>,
  duplicates: readonly Duplicate[],
): FileInError[] {
  const keptOf = (matches: (file: string) => boolean) =>
    [...served].filter(([, { file }]) => matches(file)).map(([id]) => id);
  let idsOf: ReadonlyMap<string, readonly string[]> | undefined;
  const keptOfFile = (file: string) => (idsOf ??= idsByFile(served)).get(file) ?? [];
  const found = new Map<string, FileInError>();
  if (reading.unreadable !== undefined) {
    const problem: Problem = { severity: 'error', file: reading.directory, path: '', message: reading.unreadable };
    found.set(reading.directory, { file: reading.directory, problems: [problem], declares: [], keeps: [] });
  }
  for (const { path, message } of reading.unreadableBelow) {
    const problem: Problem = { severity: 'error', file: path, path: '', message };
    found.set(path, { file: path, problems: [problem], declares: [], keeps: keptOf((file) => isBelow(file, path)) });
  }
  for (const fileReading of reading.files) {
    const problems = errorsOf(fileReading, (before?.lastGood.get(fileReading.file) ?? []).length);
    if (problems.length === 0) continue;
    const { file } = fileReading;
    const declares = 'parsed' in fileReading ? fileReading.parsed.declares : [];
    found.set(file, { file, problems, declares, keeps: keptOfFile(file) });
  }
  for (const { file, parsed, problem } of duplicates) {
    const { id, service, environment } = parsed.slo;
    const known = found.get(file) ?? { file, problems: [], declares: [], keeps: [] };
    const declares = [...known.declares, { id, service, environment }];
    found.set(file, { ...known, problems: [...known.problems, problem], declares });
  }
  return [...found.values()].sort((a, b) => (a.file < b.file ? -1 : 1));
}

function idsByFile(served: ReadonlyMap<string, LoadedSlo>): ReadonlyMap<string, readonly string[]> {
  const ids = new Map<string, string[]>();
  for (const [id, { file }] of served) {
    const known = ids.get(file);
    if (known === undefined) ids.set(file, [id]);
    else known.push(id);
  }
  return ids;
}

function errorsOf(reading: FileReading, sloCountBefore: number): Problem[] {
  const { file } = reading;
  if ('refusal' in reading) return [{ severity: 'error', file, path: '', message: reading.refusal }];
  const { problems, slos } = reading.parsed;
  if (hasError(problems)) return problems.filter(({ severity }) => severity === 'error');
  if (slos.length > 0 || sloCountBefore === 0) return [];
  const message = 'the file was emptied: its last version goes on being served until the file is removed';
  return [{ severity: 'error', file, path: '', message }];
}

function warningsOf(reading: FileReading): Problem[] {
  return 'parsed' in reading ? reading.parsed.problems.filter(({ severity }) => severity === 'warning') : [];
}

function hasError(problems: readonly Problem[]): boolean {
  return problems.some(({ severity }) => severity === 'error');
}

function isBelow(file: string, directory: string): boolean {
  return file.startsWith(directory + sep);
}

import type { Problem } from '../slo/problem.ts';
import { createDirectoryReader } from './directory-reader.ts';
import { nextSet } from './next-set.ts';
import type { LoadedSlo } from './ports.ts';

export interface DirectoryContents {
  /** Why the directory itself could not be read; then nothing else is known. */
  readonly unreadable?: string;
  /** Number of files that were found, readable or not. */
  readonly files: number;
  /** What a server that starts now would serve. */
  readonly slos: readonly LoadedSlo[];
  /** Errors and warnings in the order of files and lines. */
  readonly problems: readonly Problem[];
}

/** Reads a directory once, as a server does at its start. Never rejects. */
export async function readDirectory(directory: string): Promise<DirectoryContents> {
  const reading = await createDirectoryReader(directory, () => Infinity)();
  const { slos, filesInError, warnings, files } = nextSet(undefined, reading);
  const problems = [...filesInError.flatMap((file) => file.problems), ...warnings].sort(byPlace);
  return {
    ...(reading.unreadable === undefined ? {} : { unreadable: reading.unreadable }),
    files,
    slos: [...slos.values()],
    problems,
  };
}

function byPlace(a: Problem, b: Problem): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}

import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describeFsError, isMissing } from './fs-error.ts';

/** A file or directory that is there and was not read, with the reason. */
export interface Refused {
  readonly path: string;
  readonly message: string;
}

export interface Listing {
  /** `*.yaml` and `*.yml` in path order; regular files when they were looked at. */
  readonly files: readonly string[];
  /** What has a YAML name and is no regular file. */
  readonly refused: readonly Refused[];
  /** Directories below the root that could not be read: what they hold is not known. */
  readonly unreadable: readonly Refused[];
}

const mostFiles = 10_000;
const mostEntries = 100_000;

interface Walk {
  readonly files: string[];
  readonly refused: Refused[];
  readonly unreadable: Refused[];
  /**
   * Real paths of directories and files, with the path that led to each: it is read once, however links lead to it.
   */
  readonly seen: Map<string, string>;
  /** Of the walk before. */
  readonly seenBefore: ReadonlyMap<string, string>;
  entries: number;
}

/**
 * Returns the function that finds the SLO files of a directory and those below it. Names that begin with a dot are left
 * out: they are the halves of a Kubernetes mount (`..data`), editors' files, `.git`. Rejects where the root itself cannot
 * be read.
 */
export function createFileLister(root: string): () => Promise<Listing> {
  let seenBefore: ReadonlyMap<string, string> = new Map();
  return async () => {
    const walk: Walk = { files: [], refused: [], unreadable: [], seen: new Map(), seenBefore, entries: 0 };
    await readLevel(root, walk);
    walk.files.sort();
    seenBefore = walk.seen;
    return walk;
  };
}

async function readLevel(directory: string, walk: Walk): Promise<void> {
  const real = await realpath(directory);
  if (walk.seen.has(real)) return;
  walk.seen.set(real, directory);
  const entries = (await readdir(directory, { withFileTypes: true })).filter(({ name }) => !name.startsWith('.'));
  walk.entries += entries.length;
  if (walk.entries > mostEntries || walk.files.length > mostFiles) {
    throw new Error(`more than ${mostFiles} SLO files or ${mostEntries} entries: is this the directory of the SLOs?`);
  }
  // Links come last, so that a directory is known by its own path where it has one.
  const links = entries.filter((entry) => entry.isSymbolicLink());
  const others = entries.filter((entry) => !entry.isSymbolicLink());
  for (const entry of [...sorted(others), ...sorted(links)]) await readEntry(directory, real, entry, walk);
}

function sorted(entries: readonly Dirent[]): Dirent[] {
  return [...entries].sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function readEntry(directory: string, real: string, entry: Dirent, walk: Walk): Promise<void> {
  const path = join(directory, entry.name);
  const isYaml = /\.ya?ml$/.test(entry.name);
  const ownReal = real === directory ? path : join(real, entry.name);
  const found = entry.isSymbolicLink() ? await follow(path) : { kind: entry, real: ownReal };
  if (typeof found === 'string') {
    (isYaml ? walk.refused : walk.unreadable).push({ path, message: found });
  } else if (found.kind.isDirectory()) {
    await readBelow(path, walk);
  } else if (isYaml && !found.kind.isFile()) {
    walk.refused.push({ path, message: 'not a regular file: it is not opened' });
  } else if (isYaml && !walk.seen.has(found.real)) {
    addFile(path, found.real, walk);
  }
}

/**
 * By the string of the walk before, where there is one: ten thousand new ones each few seconds outlive the young
 * generation, and were half of all garbage of a server.
 */
function addFile(path: string, real: string, { files, seen, seenBefore }: Walk): void {
  const before = seenBefore.get(real);
  const kept = before === path ? before : path;
  seen.set(real === kept ? kept : real, kept);
  files.push(kept);
}

async function readBelow(path: string, walk: Walk): Promise<void> {
  try {
    await readLevel(path, walk);
  } catch (error) {
    // One that was removed since its parent was read is gone, as its files are.
    if (!isMissing(error)) walk.unreadable.push({ path, message: describeFsError(error) });
  }
}

/** What a link leads to, or why it leads nowhere. */
async function follow(path: string) {
  try {
    return { kind: await stat(path), real: await realpath(path) };
  } catch (error) {
    return isMissing(error) ? 'a link that leads nowhere' : describeFsError(error);
  }
}

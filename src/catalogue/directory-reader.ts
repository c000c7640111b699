import { createFileReader, refused, type FileReading } from './file-reader.ts';
import { describeFsError } from './fs-error.ts';
import { createFileLister, type Refused } from './list-files.ts';

/** A directory as it was found at one moment. */
export interface DirectoryReading {
  readonly directory: string;
  /** Why the directory itself could not be read; then nothing else is known. */
  readonly unreadable?: string;
  /** In path order. */
  readonly files: readonly FileReading[];
  /** Directories below that could not be read. */
  readonly unreadableBelow: readonly Refused[];
}

/** Files that are looked at together: one by one, each costs a turn of the loop and of a thread. */
const atOnce = 64;

/**
 * Files that are read together, as many as Node has threads for them. Each is parsed at a stretch, and those that come in
 * one turn of the loop one after another: with more of them, decisions would wait.
 */
const readAtOnce = 4;

/** Returns the function that reads the directory; never rejects. Unchanged files are not read again. */
export function createDirectoryReader(directory: string, wallMs: () => number): () => Promise<DirectoryReading> {
  const listFiles = createFileLister(directory);
  const reader = createFileReader(wallMs);
  return async () => {
    try {
      const listing = await listFiles();
      const files = listing.refused.map(({ path, message }) => refused(path, message));
      for (let from = 0; from < listing.files.length; from += atOnce) {
        const looked = listing.files.slice(from, from + atOnce);
        const unchanged = await Promise.all(looked.map((file) => reader.unchanged(file)));
        const changed = looked.filter((_, index) => unchanged[index] === undefined);
        for (let first = 0; first < changed.length; first += readAtOnce) {
          const some = changed.slice(first, first + readAtOnce);
          files.push(...(await Promise.all(some.map((file) => reader.read(file)))).filter(isFound));
        }
        files.push(...unchanged.filter(isFound));
      }
      reader.keepOnly(listing.files);
      files.sort(byPath);
      return { directory, files, unreadableBelow: listing.unreadable };
    } catch (error) {
      return { directory, unreadable: describeFsError(error), files: [], unreadableBelow: [] };
    }
  };
}

function isFound(reading: FileReading | undefined): reading is FileReading {
  return reading !== undefined;
}

/** Whether two readings found the same. */
export function sameReading(a: DirectoryReading, b: DirectoryReading): boolean {
  return (
    a.unreadable === b.unreadable &&
    sameItems(a.files, b.files, (one, other) => one.file === other.file && one.identity === other.identity) &&
    sameItems(a.unreadableBelow, b.unreadableBelow, (one, other) => {
      return one.path === other.path && one.message === other.message;
    })
  );
}

function sameItems<T>(a: readonly T[], b: readonly T[], same: (one: T, other: T) => boolean): boolean {
  return (
    a.length === b.length &&
    a.every((one, index) => {
      const other = b[index];
      return other !== undefined && (one === other || same(one, other));
    })
  );
}

/** A reading with the files that the one before had and that are gone: gone once is perhaps about to be replaced. */
export function withVanished(reading: DirectoryReading, before: DirectoryReading): DirectoryReading {
  if (reading.unreadable !== undefined) return reading;
  const listed = new Set(reading.files.map(({ file }) => file));
  const vanished = before.files.filter(({ file }) => !listed.has(file));
  return { ...reading, files: [...reading.files, ...vanished].sort(byPath) };
}

function byPath(a: FileReading, b: FileReading): number {
  return a.file < b.file ? -1 : 1;
}

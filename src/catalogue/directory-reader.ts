import { createFileReader, refused, type FileReading } from './file-reader.ts';
import { describeFsError } from './fs-error.ts';
import { listFiles, type Refused } from './list-files.ts';

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

/** Returns the function that reads the directory; never rejects. Unchanged files are not read again. */
export function createDirectoryReader(directory: string, wallMs: () => number): () => Promise<DirectoryReading> {
  const reader = createFileReader(wallMs);
  return async () => {
    try {
      const listing = await listFiles(directory);
      const files = listing.refused.map(({ path, message }) => refused(path, message));
      for (const file of listing.files) {
        const reading = await reader.read(file);
        if (reading !== undefined) files.push(reading);
      }
      reader.keepOnly(listing.files);
      files.sort(byPath);
      return { directory, files, unreadableBelow: listing.unreadable };
    } catch (error) {
      return { directory, unreadable: describeFsError(error), files: [], unreadableBelow: [] };
    }
  };
}

/** Whether two readings found the same. */
export function sameReading(a: DirectoryReading, b: DirectoryReading): boolean {
  return identityOf(a) === identityOf(b);
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

function identityOf({ unreadable, files, unreadableBelow }: DirectoryReading): string {
  return JSON.stringify([unreadable, files.map(({ file, identity }) => [file, identity]), unreadableBelow]);
}

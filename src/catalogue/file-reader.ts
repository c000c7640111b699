import { createHash } from 'node:crypto';
import { constants, stat as statByCallback, type BigIntStats } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { parseSloFile, type ParsedFile } from '../slo/parse.ts';
import { describeFsError, isMissing } from './fs-error.ts';

/** A file as it was found. Equal `identity` means that nothing changed. */
export type FileReading = { readonly file: string; readonly identity: string } & (
  { readonly parsed: ParsedFile } | { readonly refusal: string }
);

interface Known {
  readonly stamp: string;
  readonly reading: FileReading;
  /** Written so shortly before it was read that a later write may bear the same times. */
  readonly mayHide: boolean;
}

export interface FileReader {
  /** The reading that stands; undefined where the file may have changed, or was not read yet. Never rejects. */
  unchanged(file: string): Promise<FileReading | undefined>;
  /** Undefined where the file is gone. Never rejects. */
  read(file: string): Promise<FileReading | undefined>;
  /** Forgets the files that are not among these. */
  keepOnly(files: readonly string[]): void;
}

const mostBytes = 2 ** 20;
const timesResolutionMs = 2000;

/** Reads SLO files, each again only where its times, size or inode say that it may have changed. */
export function createFileReader(wallMs: () => number): FileReader {
  const known = new Map<string, Known>();
  return {
    async unchanged(file) {
      const before = known.get(file);
      if (before === undefined || before.mayHide) return undefined;
      const stats = await lookAt(file);
      return stats !== undefined && before.stamp === stampOf(stats) ? before.reading : undefined;
    },
    async read(file) {
      try {
        const before = known.get(file);
        const stats = await stat(file, { bigint: true });
        if (before !== undefined && !before.mayHide && before.stamp === stampOf(stats)) return before.reading;
        const readAtMs = wallMs();
        const bytes = stats.isFile()
          ? await readBytes(file, Number(stats.size))
          : 'not a regular file: it is not opened';
        const reading = typeof bytes === 'string' ? refused(file, bytes) : readText(file, bytes, before?.reading);
        const writtenMs = Number(stats.mtimeMs > stats.ctimeMs ? stats.mtimeMs : stats.ctimeMs);
        known.set(file, { stamp: stampOf(stats), reading, mayHide: readAtMs - writtenMs < timesResolutionMs });
        return reading;
      } catch (error) {
        known.delete(file);
        return isMissing(error) ? undefined : refused(file, describeFsError(error));
      }
    },
    keepOnly(files) {
      const listed = new Set(files);
      for (const file of known.keys()) if (!listed.has(file)) known.delete(file);
    },
  };
}

export function refused(file: string, refusal: string): FileReading {
  return { file, identity: `refused: ${refusal}`, refusal };
}

function stampOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

function readText(file: string, bytes: Uint8Array, before: FileReading | undefined): FileReading {
  const identity = createHash('sha256').update(bytes).digest('hex');
  if (before?.identity === identity) return before;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes); // without its byte order mark
    return { file, identity, parsed: parseSloFile(text, file) };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return { file, identity, refusal: 'not UTF-8 text' };
  }
}

/** Undefined where it cannot be told. By callback, which costs half of what a promise of Node's does. */
function lookAt(file: string): Promise<BigIntStats | undefined> {
  return new Promise((resolve) => {
    statByCallback(file, { bigint: true }, (error, stats) => resolve(error === null ? stats : undefined));
  });
}

/** The bytes of a regular file of at most 1 MiB, or why it is not read. */
async function readBytes(file: string, expected: number): Promise<Uint8Array | string> {
  // Without waiting, because a FIFO may have taken the file's place since it was looked at.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await handle.stat()).isFile()) return 'not a regular file: it is not opened';
    const bytes = await readAtMost(handle, mostBytes + 1, expected + 1);
    return bytes.length > mostBytes ? 'larger than 1 MiB: it is not read' : bytes;
  } finally {
    await handle.close();
  }
}

/** Reads into a buffer of the size that the file should have, and into a larger one where it has grown meanwhile. */
async function readAtMost(handle: FileHandle, most: number, expected: number): Promise<Uint8Array> {
  let buffer = Buffer.alloc(Math.min(expected, most));
  let length = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
    length += bytesRead;
    if (bytesRead === 0 || length === most) return buffer.subarray(0, length);
    if (length === buffer.length) buffer = Buffer.concat([buffer], most);
  }
}

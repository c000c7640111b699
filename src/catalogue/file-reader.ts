import { createHash } from 'node:crypto';
import { constants, type BigIntStats } from 'node:fs';
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
    async read(file) {
      try {
        const before = known.get(file);
        const stats = await stat(file, { bigint: true });
        if (before !== undefined && !before.mayHide && before.stamp === stampOf(stats)) return before.reading;
        const readAtMs = wallMs();
        const bytes = stats.isFile() ? await readBytes(file) : 'not a regular file: it is not opened';
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

/** The bytes of a regular file of at most 1 MiB, or why it is not read. */
async function readBytes(file: string): Promise<Uint8Array | string> {
  // Without waiting, because a FIFO may have taken the file's place since it was looked at.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await handle.stat()).isFile()) return 'not a regular file: it is not opened';
    const bytes = await readAtMost(handle, mostBytes + 1);
    return bytes.length > mostBytes ? 'larger than 1 MiB: it is not read' : bytes;
  } finally {
    await handle.close();
  }
}

async function readAtMost(handle: FileHandle, most: number): Promise<Uint8Array> {
  const buffer = Buffer.alloc(most);
  let length = 0;
  while (length < most) {
    const { bytesRead } = await handle.read(buffer, length, most - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

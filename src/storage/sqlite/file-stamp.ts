import { statSync } from 'node:fs';

/** What tells a file from another one, or from itself before a write. Texts, as inodes and nanoseconds exceed a double. */
export interface FileStamp {
  readonly device: string;
  readonly inode: string;
  readonly size: string;
  readonly mtimeNs: string;
}

/** null where there is no file. It does not open the file: see `Session` on why that matters. */
export function stampOf(path: string): FileStamp | null {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) return null;
  return { device: `${stat.dev}`, inode: `${stat.ino}`, size: `${stat.size}`, mtimeNs: `${stat.mtimeNs}` };
}

export function isSameFile(a: FileStamp, b: FileStamp): boolean {
  return a.device === b.device && a.inode === b.inode;
}

export function isUnchanged(a: FileStamp, b: FileStamp): boolean {
  return isSameFile(a, b) && a.size === b.size && a.mtimeNs === b.mtimeNs;
}

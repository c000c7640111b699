import { readFile, stat } from 'node:fs/promises';

/** The text of a regular file up to a size. Rejects for a pipe or a device, which could hang the reader for ever. */
export async function readSmallFile(path: string, limitBytes: number): Promise<string> {
  const info = await stat(path);
  if (!info.isFile()) throw new Error('it is not a regular file');
  if (info.size > limitBytes) throw new Error(`it is larger than ${limitBytes} bytes`);
  return readFile(path, 'utf8');
}

/** What went wrong with a file, without its path, which the sentence around it names: `no such file (ENOENT)`. */
export function fileErrorOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if (code === 'ENOENT') return 'no such file';
  if (code === 'EACCES') return 'permission denied';
  return code ?? error.message;
}

import { messageOf } from '../errors.ts';

const inWords: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOTDIR: 'not a directory',
  ELOOP: 'too many links',
  EMFILE: 'too many open files',
  EIO: 'input/output error',
};

/** An error of the file system in words, its code beside them. */
export function describeFsError(error: unknown): string {
  const code = codeOf(error);
  if (code === undefined) return messageOf(error);
  return `${inWords[code] ?? messageOf(error)} (${code})`;
}

export function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

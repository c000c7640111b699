import { AegisError, messageOf } from '../../errors.ts';
import type { OpenOutcome } from './messages.ts';

/** What an error while opening means: a file that will never do, or a trouble that may pass. */
export function outcomeOf(error: unknown, path: string): OpenOutcome {
  if (error instanceof AegisError) return { kind: 'unusable', message: error.message };
  const code = codeOf(error);
  if (code === 'SQLITE_NOTADB') return { kind: 'unusable', message: notADatabase(path, messageOf(error)) };
  if (code.startsWith('SQLITE_CORRUPT')) return { kind: 'unusable', message: corrupt(path, messageOf(error)) };
  // SQLite's and the file system's errors carry a code; what has none is a fault of this program.
  if (code === '') throw error;
  return { kind: 'unavailable', message: `${path}: ${messageOf(error)}` };
}

export function notADatabase(path: string, what: string): string {
  return `${path} is not a database (${what}): restore a backup over it, or name another file with --db`;
}

export function corrupt(path: string, what: string): string {
  return `${path} is corrupt (${what}): restore a backup over it, or name another file with --db`;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename } from 'node:path';

export interface Opener {
  readonly pid: number;
  /** The name of its program, as `ps -o comm` has it. */
  readonly name: string;
}

/** Whether any process, this one too, has the file open, as far as `openersOf` sees. */
export function isOpenSomewhere(path: string): boolean {
  return openersOf(path).next().done !== true;
}

/**
 * The processes, this one too, that have the file open: by the kernel's table of open files (`/proc`), so it sees the
 * processes of this user (all, for root) in this pid namespace. Where there is no `/proc`, nothing is seen.
 */
export function* openersOf(path: string): Generator<Opener> {
  const wanted = statSync(path, { throwIfNoEntry: false });
  if (wanted === undefined) return;
  const name = basename(path);
  for (const process of entries('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const directory = `/proc/${process}/fd`;
    const isOpen = entries(directory).some((descriptor) => {
      const link = `${directory}/${descriptor}`;
      if (!linkTarget(link).includes(name)) return false; // stat of an unrelated file could hang on a dead mount
      const found = statOf(link);
      return found?.dev === wanted.dev && found.ino === wanted.ino;
    });
    if (isOpen) yield { pid: Number(process), name: nameOf(process) };
  }
}

function nameOf(process: string): string {
  return (attempt(() => readFileSync(`/proc/${process}/comm`, 'utf8')) ?? 'unknown').trim();
}

// Processes and descriptors come and go while they are listed, and those of other users are closed to us.
function entries(directory: string): string[] {
  return attempt(() => readdirSync(directory)) ?? [];
}

function linkTarget(link: string): string {
  return attempt(() => readlinkSync(link)) ?? '';
}

function statOf(link: string) {
  return attempt(() => statSync(link));
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { basename } from 'node:path';

/**
 * Whether any process, this one too, has the file open: by the kernel's table of open files (`/proc`), so it sees the
 * processes of this user (all, for root) in this pid namespace. Where there is no `/proc`, nothing is seen.
 */
export function isOpenSomewhere(path: string): boolean {
  const wanted = statSync(path, { throwIfNoEntry: false });
  if (wanted === undefined) return false;
  const name = basename(path);
  for (const process of entries('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const directory = `/proc/${process}/fd`;
    for (const descriptor of entries(directory)) {
      const link = `${directory}/${descriptor}`;
      if (!linkTarget(link).includes(name)) continue; // stat of an unrelated file could hang on a dead mount
      const found = statOf(link);
      if (found?.dev === wanted.dev && found.ino === wanted.ino) return true;
    }
  }
  return false;
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

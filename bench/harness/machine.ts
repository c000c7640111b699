import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { root } from './programs.ts';

/** Where and when figures were taken. */
export interface Machine {
  readonly date: string;
  readonly commit: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly linux: string;
  readonly node: string;
  readonly prometheus: string;
  /** Of the last minute before the run: above 0.3 others were at work. */
  readonly load: number;
}

export function describeMachine(): Machine {
  const isChanged = printed('git', 'status', '--porcelain', '--untracked-files=no') !== '';
  return {
    date: new Date().toISOString(),
    commit: `${printed('git', 'rev-parse', '--short', 'HEAD')}${isChanged ? ' with changes' : ''}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    linux: release(),
    node: process.version,
    prometheus: /version (\S+)/.exec(printed('prometheus', '--version'))?.[1] ?? 'none',
    load: loadavg()[0] ?? 0,
  };
}

function printed(command: string, ...args: readonly string[]): string {
  try {
    return execFileSync(command, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return ''; // it is not on this machine, or this is no repository
  }
}

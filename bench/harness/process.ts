import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import type { Workplace } from './workplace.ts';

/** A process that this run owns. */
export interface Owned {
  readonly child: ChildProcess;
  /** CPU time so far of all its threads, in milliseconds. */
  cpuMs(): number;
  /** What it holds in memory, in bytes. */
  residentBytes(): number;
  /** SIGTERM, then SIGKILL after 15 s. */
  stop(): Promise<void>;
}

export interface ProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Takes its output. Otherwise standard output is a pipe of ours, and so is standard input. */
  readonly logFile?: string;
}

export function startProcess(workplace: Workplace, options: ProcessOptions): Owned {
  const log = options.logFile === undefined ? undefined : openSync(options.logFile, 'a');
  // Where this run is killed, Linux kills the process too.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', options.command, ...options.args], {
    cwd: options.cwd,
    env: { PATH: process.env.PATH, ...options.env },
    stdio: log === undefined ? ['pipe', 'pipe', 'inherit'] : ['ignore', log, log],
  });
  if (log !== undefined) closeSync(log);
  const exited = once(child, 'exit');
  exited.catch(() => undefined); // a command that is not there: who waits for its answer is told
  const owned: Owned = {
    child,
    cpuMs: () => cpuMsOf(child.pid ?? 0),
    residentBytes: () => residentBytesOf(child.pid ?? 0),
    async stop() {
      if (hasEnded(child)) return;
      child.kill('SIGTERM');
      const kill = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await exited;
      clearTimeout(kill);
    },
  };
  workplace.onEnd(() => owned.stop());
  return owned;
}

export function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

/** Linux counts in ticks of 10 ms, whatever its kernel's own. */
const tickMs = 10;

/** `utime`, `stime` and those of children that have ended, from Linux. */
function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name of the command stands in brackets and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return tickMs * [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0);
}

function residentBytesOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return 1024 * Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]);
}

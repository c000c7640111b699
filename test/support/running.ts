import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A process that a test owns: its output so far, and its end. */
export interface Running {
  readonly process: ChildProcess;
  /** stdout and stderr, as they came. */
  output(): string;
  /** SIGTERM, then SIGKILL after 15 s; resolves with the exit code. */
  stop(): Promise<number | null>;
}

export function start(
  command: string,
  args: readonly string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv },
): Running {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: process.env, ...options });
  let text = '';
  const keep = (chunk: Buffer) => {
    text += chunk.toString();
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const exited = once(child, 'exit');
  return {
    process: child,
    output: () => text,
    async stop() {
      child.kill('SIGTERM');
      const kill = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await exited;
      clearTimeout(kill);
      return child.exitCode;
    },
  };
}

/** Waits until `url` answers 200, at most `boundMs`; an error with the process's output where it does not. */
export async function answers(running: Running, url: string, boundMs = 100_000): Promise<void> {
  let last = 'no answer';
  const deadline = Date.now() + boundMs;
  while (Date.now() < deadline && running.process.exitCode === null) {
    await wait(50);
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
      last = `${response.status} ${await response.text()}`;
      if (response.status === 200) return;
    } catch (error) {
      last = String(error);
    }
  }
  throw new Error(`${url} did not answer 200 (${last}):\n${running.output()}`);
}

/** The environment as a user's shell has it: without what vitest, and npm around it, have set for this run. */
export function outerEnvironment(): NodeJS.ProcessEnv {
  const ours = /^(NODE_ENV|TEST|DEV|PROD|MODE|SSR|VITEST.*|npm_(lifecycle|package|config_local_prefix).*|INIT_CWD)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
}

/** The files of the repository as they would be committed now, without what git ignores. */
export function repositoryFiles(): readonly string[] {
  const listing = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  return [...new Set(listing.split('\0'))].filter((file) => file !== '' && existsSync(join(root, file)));
}

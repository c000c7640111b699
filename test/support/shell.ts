import { execFile } from 'node:child_process';

export interface ShellOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script as a person would paste it; killed after `timeout` (half a minute). The test's own process goes on meanwhile. */
export function bash(
  script: string,
  options: { cwd?: string; env?: NodeJS.ProcessEnv; timeout?: number } = {},
): Promise<ShellOutcome> {
  return new Promise((resolve) => {
    execFile('bash', ['--norc', '-c', script], { timeout: 30_000, ...options }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, stdout, stderr });
    });
  });
}

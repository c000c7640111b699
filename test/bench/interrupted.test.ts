import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { outerEnvironment, root, start } from '../support/running.ts';
import { scratch } from '../support/scratch.ts';

const runBench = ['--import', 'tsx', 'bench/run.ts', 'startup', '--quick'];

/** The command lines of processes that work in the directory, or were told of it. */
function processesOf(directory: string): readonly string[] {
  const isOurs = (pid: string) =>
    readlinkSync(`/proc/${pid}/cwd`).startsWith(directory) ||
    readFileSync(`/proc/${pid}/environ`, 'utf8').includes(directory);
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      return line !== '' && isOurs(pid) ? [line.replaceAll('\0', ' ')] : [];
    } catch {
      return []; // no process, or one that has just ended
    }
  });
}

/** The benchmark of the start, with a server of its own running, is ended by this signal. */
async function interruptedBy(signal: NodeJS.Signals) {
  const directory = scratch();
  const bench = start(process.execPath, runBench, {
    cwd: root,
    env: { ...outerEnvironment(), TMPDIR: directory },
  });
  onTestFinished(() => void bench.process.kill('SIGKILL'));
  await eventually(() => {
    expect(processesOf(directory).join('\n'), bench.output()).toContain('dist/server.js');
  }, 60_000);
  bench.process.kill(signal);
  const [code] = (await once(bench.process, 'exit')) as [number | null];
  return { code, directory };
}

describe('a benchmark', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('ends and removes what it made on %s', async (signal) => {
    const { code, directory } = await interruptedBy(signal);
    expect(code).toBe(128 + constants.signals[signal]);
    await eventually(() => expect(processesOf(directory)).toEqual([]));
    // What runs TypeScript keeps a cache there.
    expect(readdirSync(directory).filter((name) => !name.startsWith('tsx-'))).toEqual([]);
  });

  it('leaves no process behind where it is killed', async () => {
    const { directory } = await interruptedBy('SIGKILL');
    await eventually(() => expect(processesOf(directory)).toEqual([]));
  });
});

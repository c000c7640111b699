import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lacks } from '../support/services.ts';

const script = fileURLToPath(new URL('../../.ci/run', import.meta.url));

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What the stand-in for npm does: the report that the runner leaves, and the exit codes of tests, linters and benchmarks. */
interface Npm {
  readonly report?: string;
  readonly tests?: number;
  readonly lint?: number;
  readonly bench?: number;
}

const file = (status: string, tests: string[]) => ({
  status,
  assertionResults: tests.map((one) => ({ status: one })),
});

const reportOf = (passed: number, failed: number, skipped = 0, files: unknown[] = []) =>
  JSON.stringify({
    numPassedTests: passed,
    numFailedTests: failed,
    numPendingTests: skipped,
    numTodoTests: 0,
    testResults: files,
  });

describe.skipIf(lacks('bash', 'jq', 'pgrep'))('.ci/run', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'aegis-ci-run-'));
    await mkdir(join(directory, '.ci'));
    await mkdir(join(directory, 'bin'));
    await copyFile(script, join(directory, '.ci/run'));
    // Every command that it would install is there, so that nothing is; apt-get itself would be told.
    const known = ['prometheus', 'promtool', 'sqlite3', 'lsof', 'g++', 'apt-get', 'schemathesis'];
    for (const name of [
      ...known,
      'nginx',
      'logrotate',
      'systemd-analyze',
      'shellcheck',
      'kubectl',
      'kubernetes-validate',
    ]) {
      await executable(name, 'echo "$0 $*" >> calls');
    }
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  async function executable(name: string, body: string): Promise<void> {
    const path = join(directory, 'bin', name);
    await writeFile(path, `#!/bin/sh\n${body}\n`);
    await chmod(path, 0o755);
  }

  async function run(npm: Npm): Promise<Outcome> {
    if (npm.report !== undefined) await writeFile(join(directory, 'prepared.json'), npm.report);
    await executable(
      'npm',
      `echo "npm $* require=$AEGIS_TEST_REQUIRE_SERVICES ci=$CI" >> calls
       if [ "$1" = cit ]; then
         if [ -e prepared.json ]; then cp prepared.json "$AEGIS_TEST_REPORT"; fi
         exit ${npm.tests ?? 0}
       fi
       if [ "$2" = bench:quick ]; then exit ${npm.bench ?? 0}; fi
       exit ${npm.lint ?? 0}`,
    );
    const env = { ...process.env, PATH: `${join(directory, 'bin')}:${process.env.PATH ?? ''}` };
    return new Promise((resolve) => {
      execFile(join(directory, '.ci/run'), { env, cwd: tmpdir() }, (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr }),
      );
    });
  }
  const lastLine = (outcome: Outcome) => outcome.stdout.trimEnd().split('\n').at(-1);

  it('is executable', async () => {
    expect((await stat(script)).mode & 0o111).toBe(0o111);
  });

  it('passes with the count of the report as its last line, having run the tests, the linters and the benchmarks', async () => {
    const outcome = await run({ report: reportOf(12, 0, 1) });
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    expect(lastLine(outcome)).toBe('12 passed, 0 failed');
    expect(outcome.stdout).toContain('1 skipped');
    expect(await readFile(join(directory, 'calls'), 'utf8')).toBe(
      'npm cit require=1 ci=true\nnpm run lint require=1 ci=true\nnpm run bench:quick require=1 ci=true\n',
    );
  });

  it.each<[string, Npm, string]>([
    ['a test failed', { report: reportOf(11, 1), tests: 1 }, '11 passed, 1 failed'],
    ['the report tells of a failure that the exit code hides', { report: reportOf(11, 1) }, '11 passed, 1 failed'],
    ['a file failed as a whole', { report: reportOf(3, 0, 0, [file('failed', [])]) }, '3 passed, 1 failed'],
    ['the runner failed after its tests passed', { report: reportOf(3, 0), tests: 1 }, '3 passed, 0 failed'],
    ['no test ran', { report: reportOf(0, 0) }, '0 passed, 0 failed'],
    ['there is no report', {}, '0 passed, 0 failed'],
    ['the report is no JSON', { report: 'x' }, '0 passed, 0 failed'],
    ['a linter complains', { report: reportOf(3, 0), lint: 2 }, '3 passed, 0 failed'],
    ['a benchmark cannot run', { report: reportOf(3, 0), bench: 1 }, '3 passed, 0 failed'],
  ])('fails where %s', async (_, npm, line) => {
    const outcome = await run(npm);
    expect(outcome.code).toBe(1);
    expect(lastLine(outcome)).toBe(line);
  });

  it('counts a failed test once, though its file is failed too', async () => {
    const outcome = await run({ report: reportOf(3, 1, 0, [file('failed', ['passed', 'failed'])]), tests: 1 });
    expect(lastLine(outcome)).toBe('3 passed, 1 failed');
  });
});

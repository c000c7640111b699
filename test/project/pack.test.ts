import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../support/prometheus.ts';
import { answers, outerEnvironment, root, start } from '../support/running.ts';

describe('the package', () => {
  let directory: string;
  let files: readonly string[];

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'aegis-pack-'));
    // Compiled before all tests; compiling again here would rewrite dist under the servers of other tests.
    const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', directory];
    const [packed] = JSON.parse(
      execFileSync('npm', args, { cwd: root, env: outerEnvironment(), encoding: 'utf8', stdio: 'pipe' }),
    ) as [{ filename: string; files: { path: string }[] }];
    files = packed.files.map((file) => file.path);
    execFileSync('tar', ['xzf', join(directory, packed.filename), '-C', directory]);
    symlinkSync(join(root, 'node_modules'), join(directory, 'package/node_modules'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it.each([
    'dist/server.js',
    'dist/cli.js',
    'schemas/slo_v1.json',
    'slos/api-availability.yaml',
    'fixtures/metrics/api-availability.json',
    'examples/ci/gate.sh',
    'examples/api-usage.sh',
    'docs/evaluation.md',
    'README.md',
    'LICENSE',
    'CHANGELOG.md',
  ])('holds %s', (file) => expect(files).toContain(file));

  it('holds nothing else than what is meant to be used', () => {
    const meant =
      /^(dist|schemas|slos|fixtures\/metrics|examples|docs)\/|^(README.md|LICENSE|CHANGELOG.md|package.json)$/;
    expect(files.filter((file) => !meant.test(file) || /\.(map|db|tsbuildinfo)$/.test(file))).toEqual([]);
  });

  it('starts the demonstration as `npm start` does, and stops', async () => {
    const port = await freePort();
    const args = ['--slo-dir', 'slos', '--adapter', 'synthetic', '--synthetic-fixtures', 'fixtures/metrics'];
    const server = start(process.execPath, ['dist/server.js', ...args, '--port', String(port)], {
      cwd: join(directory, 'package'),
    });
    try {
      await answers(server, `http://127.0.0.1:${port}/healthz`);
    } finally {
      expect(await server.stop()).toBe(0);
    }
  });
});

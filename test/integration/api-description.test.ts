import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGate, type GateServer } from '../support/gate-server.ts';
import { lacks } from '../support/services.ts';
import { sloDocument } from '../support/slo.ts';

/** A key that may do everything, as an operator makes it; the file is `keys.yaml` in the directory. */
function createKey(directory: string): string {
  const words = ['keys', 'create', '--file', 'keys.yaml', '--scope', 'admin', '--id', 'explorer'];
  return execFileSync(process.execPath, [cli, ...words], {
    cwd: directory,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
}

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const config = fileURLToPath(new URL('schemathesis.toml', import.meta.url));
const healthy = { good: 9995, total: 10_000 };
const fixture = { windows: { '5m': healthy, '1h': healthy, '6h': healthy, '30d': healthy } };

/**
 * A client that makes its requests of the description alone, valid ones and others: every answer has a status, a type
 * and a shape that are described, and none is a fault. The same cases in each run.
 */
describe.skipIf(lacks('schemathesis'))('the description of the API, taken at its word', () => {
  let gate: GateServer;
  let key: string;
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'aegis-schemathesis-'));
    gate = await createGate({
      slos: [sloDocument()],
      files: { 'broken.yaml': 'kind: SLO\n' },
      fixtures: { 'api-availability': fixture },
      args: ['--api-keys-file', 'keys.yaml'],
    });
    key = createKey(gate.directory);
    await gate.start();
  });
  afterAll(async () => {
    await gate.remove();
    await rm(directory, { recursive: true, force: true });
  });

  async function explore(...args: readonly string[]): Promise<{ code: number; output: string }> {
    const words = [
      ...['--config-file', config, 'run', `${gate.url}/openapi.json`],
      ...['--max-examples', '40', '--generation-deterministic', '--request-timeout', '20', '--no-color'],
      ...['-H', `Authorization: Bearer ${key}`, ...args],
    ];
    return new Promise((resolve) => {
      execFile('schemathesis', words, { cwd: directory, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, output: stdout + stderr });
      });
    });
  }

  // Orders last: they set a rate limit, and drain. A profile takes as many seconds as it is asked for.
  it.each([
    ['all but orders', ['--exclude-path-regex', '^/admin/']],
    ['orders', ['--include-path-regex', '^/admin/[^p]']],
  ])('finds no fault, no undocumented status and no answer outside its schema: %s', async (_what, selection) => {
    const { code, output } = await explore(...selection);
    expect(code, output).toBe(0);
    expect(output).toMatch(/[1-9]\d{2,} generated, /);
    const faults = gate.lines().filter(({ component, level }) => component === 'api' && level === 'error');
    expect(faults).toEqual([]);
  });
});

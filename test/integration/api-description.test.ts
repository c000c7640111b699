import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGate, type GateServer } from '../support/gate-server.ts';
import { lacks } from '../support/services.ts';
import { sloDocument } from '../support/slo.ts';

const config = fileURLToPath(new URL('schemathesis.toml', import.meta.url));
const healthy = { good: 9995, total: 10_000 };
const fixture = { windows: { '5m': healthy, '1h': healthy, '6h': healthy, '30d': healthy } };

/**
 * A client that makes its requests of the description alone, valid ones and others: every answer has a status, a type
 * and a shape that are described, and none is a fault. The same cases in each run.
 */
describe.skipIf(lacks('schemathesis'))('the description of the API, taken at its word', () => {
  let gate: GateServer;
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'aegis-schemathesis-'));
    gate = await createGate({
      slos: [sloDocument()],
      files: { 'broken.yaml': 'kind: SLO\n' },
      fixtures: { 'api-availability': fixture },
    });
    await gate.start();
  });
  afterAll(async () => {
    await gate.remove();
    await rm(directory, { recursive: true, force: true });
  });

  async function explore(...args: readonly string[]): Promise<{ code: number; output: string }> {
    const words = [
      ...['--config-file', config, 'run', `${gate.url}/openapi.json`],
      ...['--max-examples', '60', '--generation-deterministic', '--request-timeout', '20', '--no-color', ...args],
    ];
    return new Promise((resolve) => {
      execFile('schemathesis', words, { cwd: directory, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, output: stdout + stderr });
      });
    });
  }

  it('finds no fault, no undocumented status and no answer outside its schema', async () => {
    const { code, output } = await explore();
    expect(output).toMatch(/[1-9]\d{2,} generated, /);
    expect(code, output).toBe(0);
    const faults = gate.lines().filter(({ component, level }) => component === 'api' && level === 'error');
    expect(faults).toEqual([]);
  });
});

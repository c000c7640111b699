import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../support/prometheus.ts';
import { answers, root, type Running, start } from '../support/running.ts';
import { lacks } from '../support/services.ts';

const run = promisify(execFile);

describe.skipIf(lacks('curl', 'jq'))('examples/api-usage.sh', () => {
  let directory: string;
  let server: Running;
  let url: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'aegis-api-usage-'));
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const fixtures = join(root, 'fixtures/metrics');
    const args = [`--port=${port}`, '--slo-dir', join(root, 'slos'), '--synthetic-fixtures', fixtures];
    server = start(process.execPath, [join(root, 'dist/server.js'), ...args], { cwd: directory });
    await answers(server, `${url}/readyz`);
  });
  afterAll(async () => {
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const walk = (env: Record<string, string>) =>
    run('sh', [join(root, 'examples/api-usage.sh')], { env: { ...process.env, ...env } });

  it('walks the whole API', async () => {
    const { stdout, stderr } = await walk({ AEGIS_URL: url });
    expect(stderr).toBe('');
    const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as { paths: Record<string, unknown> };
    const script = stdout.split('\n').find((line) => line.includes('"openapi"')) ?? '';
    for (const path of Object.keys(paths)) expect(script).toContain(path);
    expect(stdout).toContain('"decision":"ALLOW"');
    expect(stdout).toContain('no evaluation found for SLO: nobody');
  });

  it('ends where a step is not answered as it should be', async () => {
    await expect(walk({ AEGIS_URL: url, AEGIS_SLO: 'nobody' })).rejects.toMatchObject({
      stdout: expect.not.stringContaining('Is it safe to deploy?') as unknown,
    });
  });
});

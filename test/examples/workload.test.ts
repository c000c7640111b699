import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { freePort } from '../support/prometheus.ts';
import { answers, root, type Running, start } from '../support/running.ts';
import { lacks } from '../support/services.ts';

interface Decision {
  readonly decision: string;
  readonly reasons: readonly string[];
}

/** The containers of docker-compose.prometheus.yml as processes: workload, Prometheus and the gate on its data. */
describe.skipIf(lacks('prometheus'))('the example on real data', () => {
  let directory: string;
  const running: Running[] = [];
  let workloadUrl: string;
  let aegisUrl: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'aegis-workload-'));
    const [workload, prometheus, aegis] = [await freePort(), await freePort(), await freePort()];
    workloadUrl = `http://127.0.0.1:${workload}`;
    aegisUrl = `http://127.0.0.1:${aegis}`;
    running.push(
      start(process.execPath, [join(root, 'examples/workload/workload.mjs'), String(workload)], { cwd: directory }),
      start('prometheus', await prometheusArgs(directory, workload, prometheus), { cwd: directory }),
      start(process.execPath, await aegisArgs(directory, prometheus, aegis), { cwd: directory }),
    );
    await answers(running[1]!, `http://127.0.0.1:${prometheus}/-/ready`);
    await answers(running[2]!, `${aegisUrl}/readyz`);
  });
  afterAll(async () => {
    await Promise.all(running.map((one) => one.stop()));
    await rm(directory, { recursive: true, force: true });
  });

  const setErrors = (ratio: string) => fetch(`${workloadUrl}/errors?ratio=${ratio}`, { method: 'POST' });

  async function ask(): Promise<Decision> {
    const body = JSON.stringify({ sloID: 'checkout-availability', forceFresh: true });
    return (await (await fetch(`${aegisUrl}/v1/gate/decision`, { method: 'POST', body })).json()) as Decision;
  }
  async function until(decision: string): Promise<Decision> {
    let last: Decision | undefined;
    for (const deadline = Date.now() + 90_000; Date.now() < deadline;) {
      last = await ask();
      if (last.decision === decision) return last;
      await wait(500);
    }
    throw new Error(`never ${decision}: ${JSON.stringify(last)}\n${running[2]?.output() ?? ''}`);
  }

  it('allows a healthy workload, and blocks when its requests fail', { timeout: 240_000 }, async () => {
    expect(await until('ALLOW')).toMatchObject({ reasons: ['all burn rate checks passed'] });
    expect(await (await setErrors('0.9')).text()).toBe('90 % of the requests fail\n');
    expect((await until('BLOCK')).reasons.join()).toContain('rule fast-burn triggered');
  });

  it.each(['', '2', '-1', 'many'])('refuses an error ratio of "%s"', async (ratio) => {
    expect((await setErrors(ratio)).status).toBe(400);
  });
});

/** The example's configuration, with the target on this machine and a scrape each second. */
async function prometheusArgs(directory: string, workload: number, port: number): Promise<string[]> {
  const text = await readFile(join(root, 'examples/prometheus/prometheus.yml'), 'utf8');
  const file = join(directory, 'prometheus.yml');
  await writeFile(file, text.replace('workload:8000', `127.0.0.1:${workload}`).replace('5s', '1s'));
  return [
    `--config.file=${file}`,
    `--storage.tsdb.path=${join(directory, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=warn',
  ];
}

async function aegisArgs(directory: string, prometheus: number, port: number): Promise<string[]> {
  const compose = parse(await readFile(join(root, 'docker-compose.prometheus.yml'), 'utf8')) as {
    services: { 'aegis-slo': { command: string } };
  };
  await mkdir(join(directory, 'db'));
  return compose.services['aegis-slo'].command
    .trim()
    .replace('/app/aegis-server', join(root, 'dist/server.js'))
    .replace('--port=8080', `--port=${port}`)
    .replace('http://prometheus:9090', `http://127.0.0.1:${prometheus}`)
    .replace('/app/slos', join(root, 'examples/prometheus/slos'))
    .replace('/data/', `${join(directory, 'db')}/`)
    .split(/\s+/);
}

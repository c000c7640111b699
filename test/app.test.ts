import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createApp } from '../src/app.ts';
import type { Settings } from '../src/config/settings.ts';
import { createRecordingLog } from './support/recording-log.ts';
import { root } from './support/running.ts';
import { scratch } from './support/scratch.ts';
import { sloDocument } from './support/slo.ts';

const slo = 'api-availability';
const healthy = { good: 9995, total: 10_000 };
const fixture = { windows: { '5m': healthy, '1h': healthy, '6h': healthy, '30d': healthy } };

/** The demonstration in a directory of the test's own, on a free port. */
function settingsOf(changes: Partial<Settings> = {}): Settings {
  const directory = scratch();
  const sloDir = join(directory, 'slos');
  const syntheticFixtures = join(directory, 'fixtures');
  mkdirSync(sloDir);
  mkdirSync(syntheticFixtures);
  writeFileSync(join(sloDir, `${slo}.yaml`), JSON.stringify(sloDocument()));
  writeFileSync(join(syntheticFixtures, `${slo}.json`), JSON.stringify(fixture));
  return {
    host: '127.0.0.1',
    port: 0,
    sloDir,
    adapter: 'synthetic',
    syntheticFixtures,
    prometheus: undefined,
    db: join(directory, 'aegis.db'),
    retention: { maxAgeMs: 0, maxRows: 0, maxBytes: 0 },
    readOnly: false,
    logLevel: 'info',
    logFormat: 'json',
    evaluationTimeoutMs: 8_000,
    evaluationConcurrency: 10,
    shutdownDelayMs: 0,
    adminSocket: undefined,
    access: { keysFile: undefined, oidcFile: undefined, openMetrics: false, trustedProxies: [] },
    tls: undefined,
    rateLimit: 0,
    forcedRateLimit: 0,
    maxConnections: 1_000,
    logFile: undefined,
    slowRequestMs: 2_000,
    requestLog: new Map(),
    ...changes,
  };
}

function decide(url: string): Promise<Response> {
  return fetch(`${url}/v1/gate/decision`, { method: 'POST', body: JSON.stringify({ sloID: slo }) });
}

async function decisionOf(url: string): Promise<unknown> {
  const response = await decide(url);
  return ((await response.json()) as { decision: unknown }).decision;
}

describe('createApp', () => {
  it('starts on a port of its own, answers, and leaves one file and no port when stopped', async () => {
    const settings = settingsOf();
    const log = createRecordingLog();
    const app = createApp(settings, log);
    const { url } = await app.start();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
    expect(await decisionOf(url)).toBe('ALLOW');
    const stopping = app.stop();
    expect(await stopping).toEqual([]);
    expect(await app.stop()).toEqual([]);
    await expect(decide(url)).rejects.toThrow();
    expect(existsSync(`${settings.db}-wal`)).toBe(false);
    expect(log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('says so when the port is taken, and takes nothing from whoever has it', async () => {
    const first = createApp(settingsOf(), createRecordingLog());
    const { url } = await first.start();
    const second = createApp(settingsOf({ port: Number(new URL(url).port) }), createRecordingLog());
    await expect(second.start()).rejects.toMatchObject({
      name: 'AegisError',
      message: expect.stringMatching(/127\.0\.0\.1:\d+.*in use/) as unknown,
    });
    expect(await second.stop()).toEqual([]);
    expect(await decisionOf(url)).toBe('ALLOW');
    expect(await first.stop()).toEqual([]);
  });

  it('can be started again in the same directory after a stop', async () => {
    const settings = settingsOf();
    for (let round = 0; round < 3; round += 1) {
      const app = createApp(settings, createRecordingLog());
      const { url } = await app.start();
      expect(await decisionOf(url)).toBe('ALLOW');
      expect(await app.stop()).toEqual([]);
    }
  });

  it('stopped while it starts, it gives up its start', async () => {
    const app = createApp(settingsOf(), createRecordingLog());
    const started = expect(app.start()).rejects.toMatchObject({ name: 'AegisError', code: 'shutting_down' });
    expect(await app.stop()).toEqual([]);
    await started;
  });
});

describe('a process that has started and stopped the app has nothing left to do, and ends by itself', () => {
  const program = (steps: string) => `
    import { createApp } from ${JSON.stringify(join(root, 'src/app.ts'))};
    const settings = JSON.parse(process.argv[1]);
    const quiet = () => undefined;
    const app = createApp(settings, { debug: quiet, info: quiet, warn: quiet, error: quiet });
    ${steps}
    console.log('stopped');`;

  it.each([
    ['stopped after its start', 'await app.start(); await app.stop();'],
    ['stopped while it starts', 'const started = app.start().catch(() => undefined); await app.stop(); await started;'],
    ['never started', 'await app.stop();'],
  ])('%s', async (_, steps) => {
    const settings = JSON.stringify(settingsOf());
    const args = ['--import=tsx', '--input-type=module', '-e', program(steps), settings];
    const outcome = await new Promise((resolve) => {
      // Killed at the bound: then the code is null.
      execFile(process.execPath, args, { timeout: 30_000 }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : (error.code ?? null), stdout, stderr });
      });
    });
    expect(outcome).toEqual({ code: 0, stdout: 'stopped\n', stderr: '' });
  });
});

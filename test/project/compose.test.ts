import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../support/running.ts';
import { lacks } from '../support/services.ts';
import { composeFiles, mountOf, readCompose, wordsOf } from './compose.ts';

const help = (bin: string, ...args: string[]) =>
  execFileSync(process.execPath, [join(root, 'dist', bin), ...args, '--help'], { encoding: 'utf8' });

describe.each(composeFiles)('%s', (name) => {
  it('mounts what is there', async () => {
    const compose = await readCompose(name);
    const mounts = Object.values(compose.services).flatMap((service) => (service.volumes ?? []).map(mountOf));
    const named = mounts.filter((mount) => !mount.source.startsWith('.')).map((mount) => mount.source);
    const paths = mounts.filter((mount) => mount.source.startsWith('.'));
    expect(named.sort()).toEqual(Object.keys(compose.volumes).sort());
    expect(paths.filter((mount) => !existsSync(join(root, mount.source)))).toEqual([]);
    expect(paths.filter((mount) => mount.mode !== 'ro')).toEqual([]);
    expect(paths.length).toBeGreaterThan(0);
  });

  it('starts the server with flags that it has, from directories that are mounted', async () => {
    const service = (await readCompose(name)).services['aegis-slo'];
    const [command, ...flags] = wordsOf(service ?? {});
    expect(command).toBe('/app/aegis-server');
    const known = help('server.js');
    for (const flag of flags) expect(known).toMatch(new RegExp(`${/^--[a-z-]+/.exec(flag)?.[0] ?? flag}[ ,=<\n]`));
    const targets = (service?.volumes ?? []).map((volume) => mountOf(volume).target);
    const directories = flags.flatMap((flag) => /^--(?:slo-dir|synthetic-fixtures|db)=(\/\S+)$/.exec(flag)?.[1] ?? []);
    expect(directories.length).toBeGreaterThan(1);
    for (const directory of directories) {
      expect(targets.some((target) => directory === target || directory.startsWith(`${target}/`))).toBe(true);
    }
  });

  it('publishes the port that the server listens on, and asks that port for its health', async () => {
    const service = (await readCompose(name)).services['aegis-slo'];
    expect(service?.ports).toEqual(['8080:8080']);
    expect(wordsOf(service ?? {})).toContain('--port=8080');
    if (service?.healthcheck) expect(service.healthcheck.test.join(' ')).toContain('127.0.0.1:8080/healthz');
  });

  it('names services, images and dependencies that exist', async () => {
    const { services } = await readCompose(name);
    for (const service of Object.values(services)) {
      expect(service.image).toMatch(/^[a-z./-]+:v?\d[\w.-]*$/);
      for (const other of service.depends_on ?? []) expect(Object.keys(services)).toContain(other);
    }
  });
});

describe.skipIf(lacks('promtool'))('examples/prometheus', () => {
  it('is a configuration that Prometheus takes, of a target that the compose file runs', async () => {
    const file = join(root, 'examples/prometheus/prometheus.yml');
    expect(execFileSync('promtool', ['check', 'config', file], { encoding: 'utf8' })).toContain('SUCCESS');
    const { services } = await readCompose('docker-compose.prometheus.yml');
    expect(wordsOf(services.workload ?? {}).at(-1)).toBe('8000');
  });
});

it('the SLOs of the examples are valid', () => {
  const validate = (directory: string) =>
    execFileSync(process.execPath, [join(root, 'dist/cli.js'), 'validate', '--dir', join(root, directory)]);
  expect(() => validate('examples/prometheus/slos')).not.toThrow();
  expect(() => validate('slos')).not.toThrow();
});

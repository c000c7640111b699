import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { createAuthority } from '../../support/authority.ts';
import { eventually } from '../../support/eventually.ts';
import { openShell } from '../../support/sqlite3-session.ts';
import type { World } from './world.ts';

/** How a procedure is tested: what it is about is made before its commands run. */
export interface Scenario {
  /** False where this machine does not let us make the condition. */
  readonly isPossible?: () => Promise<boolean>;
  readonly arrange?: (world: World) => Promise<void>;
  /** What the operator's shell has beside the page's variables. */
  readonly env?: (world: World) => Readonly<Record<string, string>>;
  /** What has to hold after the commands, beyond what the page prints; undoes what they leave. */
  readonly after?: (world: World) => Promise<void>;
}

const run = promisify(execFile);
const asItStands: Scenario = {};

/** Puts a word of a file of `etc` in the place of another. */
async function edit({ variables }: World, file: string, from: string | RegExp, to: string): Promise<void> {
  const path = join(variables.AEGIS_ETC, file);
  const text = await readFile(path, 'utf8');
  expect(text).toMatch(from);
  await writeFile(path, text.replaceAll(from, to));
}

const isComponent = (world: World, component: string, status: string) =>
  eventually(async () => {
    const health = await world.ask('/healthz/comprehensive');
    expect(health).toMatchObject({ components: { [component]: { status } } });
  });

/** Dead for so many questions that the circuit is open. */
async function prometheusDown(world: World): Promise<void> {
  await world.prometheus.kill();
  await eventually(async () => {
    await world.decides('api-availability', 'WARN');
    const { components } = (await world.ask('/healthz/comprehensive')) as { components: { prometheus: object } };
    expect(components.prometheus).toMatchObject({ details: { circuitBreaker: 'open' } });
  });
}

/** A shell that holds the database until it is killed, and a row that waits for it. */
async function databaseLocked(world: World): Promise<{ kill(): Promise<void> }> {
  const operator = openShell(world.variables.AEGIS_DB);
  await operator.run('BEGIN EXCLUSIVE;');
  const question = { sloID: 'api-availability', forceFresh: true };
  expect(await world.ask('/v1/gate/decision', question)).toMatchObject({ decision: 'ALLOW', audited: false });
  await isComponent(world, 'database', 'degraded');
  return operator;
}

async function backUp({ variables }: World, name = 'aegis-20260115.db'): Promise<void> {
  await mkdir(variables.AEGIS_BACKUPS, { recursive: true });
  await run('sqlite3', [variables.AEGIS_DB, `.backup '${join(variables.AEGIS_BACKUPS, name)}'`]);
}

async function another(world: World, job: string): Promise<void> {
  await world.writeSlo(job, { id: `${job}-availability`, service: job });
  process.kill(world.service.pid(), 'SIGHUP');
  await world.decides(`${job}-availability`, 'WARN');
}

/** Whether this machine lets us mount a file system. */
async function mayMount(): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), 'aegis-mount-'));
  try {
    await run('mount', ['-t', 'tmpfs', 'tmpfs', directory]);
    await run('umount', ['-l', directory]);
    return true;
  } catch {
    return false;
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** By heading, in the order of the page: its first procedures install the server that the others find. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  Prerequisites: asItStands,
  'Production deployment': {
    async after(world) {
      await world.writeSlo('checkout', { id: 'checkout-availability', service: 'checkout' });
      await world.remember();
    },
  },
  'High availability': asItStands,
  'Load balancer': asItStands,
  'Service health': asItStands,
  'Service readiness': asItStands,
  'Gate decision distribution': asItStands,
  'Evaluation latency': asItStands,
  'Database size': asItStands,
  'Prometheus metrics': asItStands,
  'Log monitoring': {
    async arrange(world) {
      const operator = await databaseLocked(world);
      await prometheusDown(world);
      await operator.kill();
      await world.prometheus.restart();
    },
  },
  'Log review': asItStands,
  Dashboard: asItStands,
  'No SLOs loaded, readiness fails': {
    async arrange(world) {
      await world.service.stop();
      await edit(world, 'slos/api-availability.yaml', 'objective: 0.995', 'objective: 99.5');
      await rm(join(world.variables.AEGIS_ETC, 'slos/checkout-availability.yaml'));
      await world.service.start();
      await world.up();
    },
  },
  'Queries fail': { arrange: prometheusDown, after: ({ prometheus }) => prometheus.restart() },
  'Database locked, rows are not written': {
    async arrange(world) {
      await databaseLocked(world);
    },
  },
  'Stale data': { arrange: (world) => another(world, 'batch') },
  'Zero traffic, insufficient data': { arrange: (world) => another(world, 'idle') },
  'High latency': asItStands,
  'A client is refused': asItStands,
  Daily: asItStands,
  Weekly: asItStands,
  Monthly: asItStands,
  'SLO updates': asItStands,
  'Configuration reload': asItStands,
  'Audit retention': {
    async arrange({ variables }) {
      await run('sqlite3', [
        variables.AEGIS_DB,
        `UPDATE evaluations SET created_at = datetime('now', '-91 days') WHERE id = 1;`,
      ]);
    },
    async after({ variables }) {
      const left = await run('sqlite3', [variables.AEGIS_DB, 'SELECT count(*) FROM evaluations WHERE id = 1;']);
      expect(left.stdout.trim()).toBe('0');
    },
  },
  'Automated cleanup': asItStands,
  'Database backups': asItStands,
  'Restore from a backup': asItStands,
  'Backup verification': asItStands,
  'Rolling restart': asItStands,
  'Rolling upgrade': asItStands,
  Rollback: asItStands,
  'Certificate rotation': {
    async arrange(world) {
      const authority = createAuthority(world.directory);
      const [old, fresh] = [authority.issue('old', 20), authority.issue('new')];
      const etc = world.variables.AEGIS_ETC;
      await writeFile(join(etc, 'tls.crt'), old.cert);
      await writeFile(join(etc, 'tls.key'), old.key);
      await writeFile(join(etc, 'tls.crt.new'), fresh.cert);
      await writeFile(join(etc, 'tls.key.new'), fresh.key);
      const settings = await readFile(join(etc, 'aegis.yaml'), 'utf8');
      await writeFile(join(etc, 'aegis.yaml'), `${settings}tls-cert: ${etc}/tls.crt\ntls-key: ${etc}/tls.key\n`);
      await world.service.stop();
      await world.service.start();
      const url = `${world.url.replace('http:', 'https:')}/healthz`;
      const retry = ['--retry', '30', '--retry-delay', '1', '--retry-connrefused'];
      await run('curl', ['-sf', ...retry, '--cacert', authority.caFile, url]);
    },
    env: ({ directory, url }) => {
      const authority = join(directory, 'authority-ca.pem');
      return { AEGIS_SERVER: url.replace('http:', 'https:'), CURL_CA_BUNDLE: authority, AEGIS_CA_FILE: authority };
    },
    after: ({ service }) => service.stop(),
  },
  'Key rotation': asItStands,
  'Capacity review': asItStands,
  'Complete database loss': { arrange: (world) => backUp(world) },
  'Prometheus unavailable': {
    async arrange(world) {
      await edit(world, 'aegis.yaml', /^prometheus-url:.*/gm, 'prometheus-url: http://127.0.0.1:1');
      await world.service.stop();
      await world.service.start();
      await world.up();
    },
  },
  'Incorrect SLO configuration': {
    async arrange(world) {
      const git = (...args: string[]) =>
        run('git', ['-c', 'user.name=test', '-c', 'user.email=test@example.com', ...args], {
          cwd: world.variables.AEGIS_ETC,
        });
      await git('init', '--quiet');
      await git('add', 'slos');
      await git('commit', '--quiet', '--message', 'the SLOs');
      await edit(world, 'slos/api-availability.yaml', /threshold: \d+/g, 'threshold: 0.0001');
      await git('commit', '--quiet', '--all', '--message', 'tighter');
      process.kill(world.service.pid(), 'SIGHUP');
      await world.decides('api-availability', 'BLOCK');
    },
  },
  'Evaluations are stuck': asItStands,
  'Data corruption': {
    async arrange(world) {
      await backUp(world);
      await world.service.stop();
      await writeFile(world.variables.AEGIS_DB, 'this is no database, and never was one'.repeat(200));
      await world.service.start();
      await eventually(() => expect(world.service.isActive()).toBe(false));
    },
  },
  'Complete failure': {
    async arrange(world) {
      await backUp(world);
      await world.service.kill();
      for (const suffix of ['', '-wal', '-shm', '-note']) await rm(world.variables.AEGIS_DB + suffix, { force: true });
    },
  },
  'Disk full': {
    isPossible: mayMount,
    async arrange(world) {
      const directory = dirname(world.variables.AEGIS_DB);
      await world.service.stop();
      await run('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', directory]);
      await world.service.start();
      await world.ready();
      await writeFile(join(directory, 'aegis.log.1'), Buffer.alloc(4_000_000)).catch(() => undefined);
      await eventually(async () => {
        await world.decides('api-availability', 'ALLOW');
        expect(await world.ask('/healthz/comprehensive')).toMatchObject({
          components: { database: { status: 'degraded' } },
        });
      });
    },
    async after(world) {
      await world.service.stop();
      await run('umount', ['-l', dirname(world.variables.AEGIS_DB)]);
    },
  },
  'Emergency shutdown': asItStands,
  'Circuit breaker': asItStands,
  'Rate limit': asItStands,
  'Emergency data export': asItStands,
  'SQL queries': asItStands,
  Support: asItStands,
};

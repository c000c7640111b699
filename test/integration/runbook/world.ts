import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { stringify } from 'yaml';
import { eventually } from '../../support/eventually.ts';
import { allScenarios } from '../../support/metric-scenarios.ts';
import { freePort, startPrometheus, type TestPrometheus } from '../../support/prometheus.ts';
import { outerEnvironment, root } from '../../support/running.ts';
import { sloDocument, type SloOptions } from '../../support/slo.ts';
import { createService, type Service } from './service.ts';

/** What the page's operator has: a machine with a Prometheus, and the paths that stand at the page's beginning. */
export interface World {
  readonly directory: string;
  readonly url: string;
  readonly prometheus: TestPrometheus;
  readonly service: Service;
  /** The variables of the page, with this machine's paths. */
  readonly variables: Readonly<Record<Variable, string>>;
  /** The environment of the operator's shell. */
  env(): Promise<NodeJS.ProcessEnv>;
  /** An answer that takes a key. */
  ask(path: string, body?: object): Promise<unknown>;
  /** Waits until `/healthz` answers 200, or `/readyz`. */
  up(): Promise<void>;
  ready(): Promise<void>;
  /** Waits until a fresh evaluation comes to this. */
  decides(sloID: string, decision: string): Promise<void>;
  writeSlo(job: string, options: SloOptions & { id: string }): Promise<void>;
  /** Keeps settings, keys and SLO files as they are now, for `heal`. */
  remember(): Promise<void>;
  /** The state that was remembered, running and ready, on a Prometheus that answers. */
  heal(): Promise<void>;
  close(): Promise<void>;
}

export type Variable =
  | 'AEGIS_SERVER'
  | 'PROMETHEUS'
  | 'AEGIS_HOME'
  | 'AEGIS_ETC'
  | 'AEGIS_DB'
  | 'AEGIS_LOG'
  | 'AEGIS_SOCKET'
  | 'AEGIS_BACKUPS'
  | 'AEGIS_HEADERS';

/** The jobs of the page's examples, each on a scenario of the history. */
const jobs = new Map([
  ['healthy', 'api'],
  ['fast-burn', 'checkout'],
  ['stopped', 'batch'],
  ['no-traffic', 'idle'],
]);

const series = () =>
  allScenarios().flatMap((one) => {
    const job = jobs.get(one.labels.scenario ?? '');
    return job === undefined ? [] : [{ ...one, labels: { ...one.labels, job } }];
  });

export async function createWorld(): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), 'aegis-runbook-'));
  const at = (name: string) => join(directory, name);
  for (const name of ['bin', 'etc', 'lib', 'log', 'run', 'home', 'opt']) await mkdir(at(name));
  const [prometheus, port] = await Promise.all([startPrometheus({ series: series() }), freePort()]);
  const url = `http://127.0.0.1:${port}`;
  const variables = {
    AEGIS_SERVER: url,
    PROMETHEUS: prometheus.url,
    AEGIS_HOME: at('opt/aegis-slo'),
    AEGIS_ETC: at('etc'),
    AEGIS_DB: at('lib/aegis.db'),
    AEGIS_LOG: at('log/aegis.log'),
    AEGIS_SOCKET: at('run/admin.sock'),
    AEGIS_BACKUPS: at('backups'),
    AEGIS_HEADERS: at('home/.aegis-headers'),
  };
  // Each version in a directory of its own; here both are the one that is tested.
  for (const name of ['aegis-slo', 'aegis-slo-new']) await symlink(root, at(`opt/${name}`));
  const { PATH = '', ...outer } = outerEnvironment();
  const base = { ...outer, PATH: `${at('bin')}:${PATH}`, HOME: at('home'), TMPDIR: at('run') };
  // What the page takes from the environment where it is set.
  const chosen = { REPLICA_PORT: String(await freePort()), BALANCER_INTERVAL: '0.1' };
  const service = await createService({
    bin: at('bin'),
    home: variables.AEGIS_HOME,
    config: at('etc/aegis.yaml'),
    console: at('log/console.log'),
    env: { ...base, PORT: String(port), HOST: '127.0.0.1' },
  });
  const headers = () => readFile(variables.AEGIS_HEADERS, 'utf8').catch(() => '');

  const answers = (path: string) =>
    eventually(async () => {
      const response = await fetch(url + path, { signal: AbortSignal.timeout(2_000) });
      if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    });

  let remembered: ReadonlyMap<string, string> | undefined;
  const world: World = {
    directory,
    url,
    prometheus,
    service,
    variables,
    env: async () => ({
      ...base,
      ...variables,
      ...chosen,
      AEGIS_TOKEN: (await headers()).replace('X-API-Key: ', '').trim(),
    }),
    async ask(path, body) {
      const [name = '', key = ''] = (await headers()).trim().split(': ');
      const asked = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
      const signal = AbortSignal.timeout(20_000);
      return (await fetch(url + path, { ...asked, headers: { [name]: key }, signal })).json();
    },
    up: () => answers('/healthz'),
    ready: () => answers('/readyz'),
    decides: (sloID, decision) =>
      eventually(async () => {
        const answer = await world.ask('/v1/gate/decision', { sloID, forceFresh: true });
        expect(answer, JSON.stringify(answer)).toMatchObject({ decision });
      }),
    async writeSlo(job, options) {
      const selector = `job="${job}"`;
      const document = sloDocument({
        interval: '30s',
        good: `sum(rate(http_requests_total{${selector},status!~"5.."}[{{window}}]))`,
        total: `sum(rate(http_requests_total{${selector}}[{{window}}]))`,
        ...options,
      });
      await writeFile(at(`etc/slos/${options.id}.yaml`), stringify(document));
    },
    async remember() {
      remembered = await readFiles(at('etc'));
    },
    async heal() {
      if (remembered === undefined) return;
      await restoreFiles(at('etc'), remembered);
      if (service.isActive()) process.kill(service.pid(), 'SIGHUP');
      else await service.start();
      await world.ready();
      await world.decides('api-availability', 'ALLOW');
      await world.decides('checkout-availability', 'BLOCK');
    },
    async close() {
      await service.close();
      await prometheus.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
  return world;
}

async function readFiles(directory: string): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(await Promise.all(paths.map(async (path) => [path, await readFile(path, 'utf8')] as const)));
}

/** By renaming, as a file that is half written would be read. */
async function restoreFiles(directory: string, wanted: ReadonlyMap<string, string>): Promise<void> {
  const found = await readFiles(directory);
  for (const [path, text] of wanted) {
    if (found.get(path) === text) continue;
    await writeFile(`${path}.tmp`, text);
    await rename(`${path}.tmp`, path);
  }
  for (const path of found.keys()) if (!wanted.has(path)) await rm(path);
}

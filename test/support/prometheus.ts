import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';
import { eventually } from './eventually.ts';
import { startExporter } from './exporter.ts';
import { allScenarios, type TestSeries } from './metric-scenarios.ts';
import { backfill } from './prometheus-history.ts';
import { lacks } from './services.ts';

export interface PrometheusOptions {
  /** Default: `allScenarios()`. */
  readonly series?: readonly TestSeries[];
  readonly scrapeIntervalSeconds?: number;
  /** Offsets in seconds at which the history has samples, ascending, the last of them 0. */
  readonly history?: readonly number[];
}

/** A real Prometheus with a month of backfilled history, and an exporter in this process that keeps the series fresh. */
export interface TestPrometheus {
  readonly url: string;
  readonly port: number;
  /** Epoch milliseconds of offset 0 of the series. */
  readonly startedAtMs: number;
  /** Ends everything and removes the data. */
  stop(): Promise<void>;
  /** SIGKILL; the port refuses from then on. */
  kill(): Promise<void>;
  /** Starts again on the same port after `kill`, with its data or with none. */
  restart(options?: { empty: boolean }): Promise<void>;
  /** SIGSTOP: connections are accepted by the kernel and never answered. */
  freeze(): void;
  thaw(): void;
  /** Resolves after the next scrape of the exporter. The start does not wait for one: the history ends at the start. */
  scraped(): Promise<void>;
  /** The values of an instant vector, or the value of a scalar. */
  query(promql: string): Promise<number[]>;
  /** What the exporter exposes from now on; `down`: the target is dead, so Prometheus marks its series stale. */
  setExporter(state: readonly TestSeries[] | 'down'): void;
}

/** `describe` for tests that need a Prometheus: skipped by name where there is none, unless services are required. */
export const describeWithPrometheus = describe.skipIf(lacks('prometheus', 'promtool'));

export async function startPrometheus(options: PrometheusOptions = {}): Promise<TestPrometheus> {
  const series = options.series ?? allScenarios();
  const directory = await mkdtemp(join(tmpdir(), 'aegis-prometheus-'));
  const startedAtMs = Math.floor(Date.now() / 1000) * 1000;
  const exporter = await startExporter(series, startedAtMs);
  const removeAll = async () => {
    await exporter.close();
    await rm(directory, { recursive: true, force: true });
  };
  const port = await freePort();
  let server: RunningServer;
  try {
    await backfill(directory, series, startedAtMs / 1000, options.history);
    await writeConfiguration(directory, exporter.port, options.scrapeIntervalSeconds ?? 1);
    server = await launch(directory, port);
  } catch (error) {
    await removeAll();
    throw error;
  }

  return {
    url: `http://127.0.0.1:${port}`,
    port,
    startedAtMs,
    async stop() {
      await server.kill();
      await removeAll();
    },
    kill: () => server.kill(),
    async restart({ empty } = { empty: false }) {
      await server.kill();
      if (empty) await rm(join(directory, 'data'), { recursive: true, force: true });
      server = await launch(directory, port);
    },
    freeze: () => server.signal('SIGSTOP'),
    thaw: () => server.signal('SIGCONT'),
    scraped: () => untilScraped(port),
    query: (promql) => instantQuery(port, promql),
    setExporter: (state) => exporter.expose(state),
  };
}

async function writeConfiguration(directory: string, exporterPort: number, intervalSeconds: number): Promise<void> {
  const configuration = {
    global: { scrape_interval: `${intervalSeconds}s`, scrape_timeout: `${intervalSeconds}s` },
    scrape_configs: [
      { job_name: 'exporter', honor_labels: true, static_configs: [{ targets: [`127.0.0.1:${exporterPort}`] }] },
    ],
  };
  await writeFile(join(directory, 'prometheus.yml'), JSON.stringify(configuration));
}

export interface RunningServer {
  signal(name: NodeJS.Signals): void;
  kill(): Promise<void>;
}

/** Starts it on what stands in the directory: `prometheus.yml`, and its data. */
export async function launch(directory: string, port: number): Promise<RunningServer> {
  const logPath = join(directory, 'prometheus.log');
  const log = openSync(logPath, 'a');
  const flags = [
    `--config.file=${join(directory, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(directory, 'data')}`,
    '--storage.tsdb.retention.time=60d',
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=warn',
  ];
  const child = spawn('prometheus', flags, { stdio: ['ignore', log, log] });
  closeSync(log);
  const exited = once(child, 'exit');
  const watchdog = startWatchdog(child, directory);
  const server: RunningServer = {
    signal: (name) => void child.kill(name),
    async kill() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await exited;
      }
      watchdog.kill('SIGKILL');
    },
  };
  try {
    await untilReady(child, port);
  } catch (error) {
    await server.kill();
    throw new Error(`Prometheus did not become ready: ${(await readFile(logPath, 'utf8')).slice(-2000)}`, {
      cause: error,
    });
  }
  return server;
}

/** Outlives this process for a moment: when its standard input closes, because the tests died, Prometheus goes too. */
function startWatchdog(child: ChildProcess, directory: string): ChildProcess {
  const script = 'read -r _; kill -9 "$1"; rm -rf "$2"';
  return spawn('sh', ['-c', script, 'watchdog', `${child.pid ?? 0}`, directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
}

async function untilReady(child: ChildProcess, port: number): Promise<void> {
  const deadline = Date.now() + 60_000;
  while ((await instantQuery(port, 'vector(1)').catch(() => [])).length === 0) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('it exited');
    if (Date.now() > deadline) throw new Error('no answer within 60 s');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Prometheus takes about five seconds from its start to its first scrape, whatever the scrape interval. */
async function untilScraped(port: number): Promise<void> {
  const since = Date.now() / 1000;
  await eventually(async () => {
    const [at] = await instantQuery(port, 'timestamp(up{job="exporter"})');
    if (at === undefined || at <= since) throw new Error('no scrape since');
  }, 60_000);
}

async function instantQuery(port: number, promql: string): Promise<number[]> {
  const body = new URLSearchParams({ query: promql });
  const signal = AbortSignal.timeout(10_000);
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/query`, { method: 'POST', body, signal });
  const answer = (await response.json()) as PrometheusAnswer;
  if (answer.status !== 'success') throw new Error(`${promql}: ${answer.error}`);
  if (answer.data.resultType === 'scalar') return [Number(answer.data.result[1])];
  return answer.data.result.map(({ value }) => Number(value[1]));
}

type PrometheusAnswer =
  | { status: 'error'; error: string }
  | { status: 'success'; data: { resultType: 'scalar'; result: [number, string] } }
  | { status: 'success'; data: { resultType: 'vector'; result: { value: [number, string] }[] } };

/** Below the range from which the system takes ports for outgoing connections, so that nobody takes it meanwhile. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const port = 12_000 + Math.floor(Math.random() * 20_000);
    const server = createServer().listen(port, '127.0.0.1');
    const bound = await Promise.race([
      once(server, 'listening').then(() => true),
      once(server, 'error').then(() => false),
    ]);
    if (!bound) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
  throw new Error('no free port found');
}

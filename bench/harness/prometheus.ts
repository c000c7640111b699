import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { request } from 'undici';
import type { TestSeries } from '../../test/support/metric-scenarios.ts';
import { startExporter } from '../../test/support/exporter.ts';
import { backfill } from '../../test/support/prometheus-history.ts';
import { readExposition } from './exposition.ts';
import { freePort } from './port.ts';
import { hasEnded, startProcess, type Owned } from './process.ts';
import { until } from './until.ts';
import type { Workplace } from './workplace.ts';

const scrapeSeconds = 15;

/** A real Prometheus with a month of history, which goes on. */
export interface Prometheus {
  readonly owned: Owned;
  readonly url: string;
  /** Queries that it was asked. */
  readonly queries: () => Promise<number>;
}

const perSecond = (rate: number) => (offset: number) => Math.round((offset + 40 * 86_400) * rate);

/** One service of two series, scraped each 15 s: what the twelve queries of six windows read is 576,000 samples. */
function requestSeries(): TestSeries[] {
  const labels = { scenario: 'fleet', job: 'api', instance: '10.0.0.1:8080' };
  return [
    { name: 'http_requests_total', labels: { ...labels, status: '200' }, at: perSecond(99.95) },
    { name: 'http_requests_total', labels: { ...labels, status: '500' }, at: perSecond(0.05) },
  ];
}

/** So many of them on the same data, each with an exporter in this process. */
export async function startPrometheus(workplace: Workplace, days: number, count: number): Promise<Prometheus[]> {
  const startedMs = Math.floor(Date.now() / 1000) * 1000;
  const series = requestSeries();
  const samples = (days * 86_400) / scrapeSeconds;
  const history = Array.from({ length: samples + 1 }, (_, index) => (index - samples) * scrapeSeconds);
  const exporter = await startExporter(series, startedMs);
  workplace.onEnd(() => exporter.close());
  return Promise.all(
    Array.from({ length: count }, async () => {
      const directory = await mkdtemp(join(workplace.directory, 'prometheus-'));
      await mkdir(join(directory, 'data'));
      await backfill(directory, series, startedMs / 1000, history);
      await writeConfiguration(directory, exporter.port);
      return launch(workplace, directory);
    }),
  );
}

async function writeConfiguration(directory: string, exporterPort: number): Promise<void> {
  const configuration = {
    global: { scrape_interval: `${scrapeSeconds}s` },
    scrape_configs: [
      { job_name: 'exporter', honor_labels: true, static_configs: [{ targets: [`127.0.0.1:${exporterPort}`] }] },
    ],
  };
  await writeFile(join(directory, 'prometheus.yml'), JSON.stringify(configuration));
}

async function launch(workplace: Workplace, directory: string): Promise<Prometheus> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const logFile = join(directory, 'prometheus.log');
  const owned = startProcess(workplace, {
    command: 'prometheus',
    args: [
      ...[`--config.file=${join(directory, 'prometheus.yml')}`, `--storage.tsdb.path=${join(directory, 'data')}`],
      ...['--storage.tsdb.retention.time=60d', `--web.listen-address=127.0.0.1:${port}`, '--log.level=warn'],
    ],
    cwd: directory,
    logFile,
  });
  const answered = async (path: string) => {
    const { statusCode, body } = await request(url + path);
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`${path} answered ${statusCode}: ${text}`);
    return text;
  };
  await until(async () => {
    if (!hasEnded(owned.child)) await answered('/-/ready');
  }, 60_000);
  if (hasEnded(owned.child)) throw new Error(`Prometheus ended:\n${await readFile(logFile, 'utf8')}`);
  return {
    owned,
    url,
    queries: async () => {
      const metrics = readExposition(await answered('/metrics'));
      return metrics.sum('prometheus_http_requests_total', 'handler="/api/v1/query"');
    },
  };
}

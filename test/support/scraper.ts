import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, launch } from './prometheus.ts';

export interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: 'pending' | 'firing';
}

/** A real Prometheus that scrapes one server each second, and evaluates alert rules as often. */
export interface Scraper {
  alerts(): Promise<readonly Alert[]>;
  stop(): Promise<void>;
}

/** `rules` is the text of a rule file. */
export async function startScraper(job: string, port: number, rules: string): Promise<Scraper> {
  const directory = await mkdtemp(join(tmpdir(), 'aegis-scraper-'));
  const often = { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' };
  const configuration = {
    global: often,
    rule_files: [join(directory, 'rules.yml')],
    scrape_configs: [{ job_name: job, static_configs: [{ targets: [`127.0.0.1:${port}`] }] }],
  };
  await writeFile(join(directory, 'prometheus.yml'), JSON.stringify(configuration));
  await writeFile(join(directory, 'rules.yml'), rules);
  const own = await freePort();
  const server = await launch(directory, own);
  return {
    async alerts() {
      const response = await fetch(`http://127.0.0.1:${own}/api/v1/alerts`, { signal: AbortSignal.timeout(10_000) });
      return ((await response.json()) as { data: { alerts: Alert[] } }).data.alerts;
    },
    async stop() {
      await server.kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { TestSeries } from './metric-scenarios.ts';

/** An HTTP target that exposes series as they are at the moment of the scrape. */
export interface Exporter {
  readonly port: number;
  expose(state: readonly TestSeries[] | 'down'): void;
  close(): Promise<void>;
}

export async function startExporter(series: readonly TestSeries[], startedAtMs: number): Promise<Exporter> {
  let exposed: readonly TestSeries[] | 'down' = series;
  const server = createServer((_request, response) => {
    if (exposed === 'down') {
      response.writeHead(503).end();
      return;
    }
    const offset = (Date.now() - startedAtMs) / 1000;
    const lines = exposed.map((one) => {
      const claimed = one.claimedOffset?.(offset);
      return sampleLine(
        one,
        one.at(offset),
        claimed === undefined ? '' : `${Math.round(startedAtMs + claimed * 1000)}`,
      );
    });
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(lines.join(''));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: portOf(server),
    expose: (state) => (exposed = state),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** One sample in the text format of an exporter, or of OpenMetrics where the timestamp is in seconds. */
export function sampleLine(series: TestSeries, value: number | null, timestamp: string): string {
  if (value === null) return '';
  const labels = Object.entries({ job: 'test', instance: 'test', ...series.labels });
  const text = Number.isFinite(value) || Number.isNaN(value) ? `${value}` : value > 0 ? '+Inf' : '-Inf';
  return `${series.name}{${labels.map(([key, label]) => `${key}="${label}"`).join(',')}} ${text} ${timestamp}\n`;
}

export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen on a port');
  return address.port;
}

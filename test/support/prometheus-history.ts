import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { promisify } from 'node:util';
import { sampleLine } from './exporter.ts';
import { historySeconds, type TestSeries } from './metric-scenarios.ts';

/** Each half hour for a month, each 30 s for the last eight and a half hours. */
function* sampleOffsets(): Generator<number> {
  const denseFrom = -8.5 * 3600;
  for (let offset = -historySeconds; offset < denseFrom; offset += 1800) yield offset;
  for (let offset = denseFrom; offset <= 0; offset += 30) yield offset;
}

/** Writes the history of the series, up to the start, into `data` in the directory. */
export async function backfill(
  directory: string,
  series: readonly TestSeries[],
  startSeconds: number,
  offsets: readonly number[] = [...sampleOffsets()],
): Promise<void> {
  const path = join(directory, 'history.txt');
  const file = createWriteStream(path);
  for (const name of new Set(series.map((one) => one.name))) {
    const [family, type] = name.endsWith('_total') ? [name.slice(0, -'_total'.length), 'counter'] : [name, 'gauge'];
    file.write(`# TYPE ${family} ${type}\n`);
    for (const one of series.filter((candidate) => candidate.name === name)) {
      const samples = offsets.map((offset) => sampleLine(one, one.at(offset), `${startSeconds + offset}`));
      if (!file.write(samples.join(''))) await once(file, 'drain');
    }
  }
  file.end('# EOF\n');
  await finished(file);
  const data = join(directory, 'data');
  const command = ['tsdb', 'create-blocks-from', 'openmetrics', '-q', '--max-block-duration=192h', path, data];
  await promisify(execFile)('promtool', command, { timeout: 60_000 });
  await rm(path);
}

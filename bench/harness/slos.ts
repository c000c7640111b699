import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Slo } from '../../src/slo/model.ts';
import { anSlo, sloDocument, type SloOptions } from '../../test/support/slo.ts';
import type { Workplace } from './workplace.ts';

/** Six windows: those of the rules, and the compliance window. */
export const windows = ['5m', '30m', '1h', '6h', '3d', '30d'] as const;

const rules = [
  { name: 'fast-burn', shortWindow: '5m', longWindow: '1h', threshold: 14.4 },
  { name: 'slow-burn', shortWindow: '30m', longWindow: '6h', threshold: 6 },
  { name: 'drip', shortWindow: '6h', longWindow: '3d', threshold: 1 },
];

export function sloId(index: number): string {
  return `service-${String(index).padStart(5, '0')}`;
}

function optionsOf(index: number, interval: string): SloOptions {
  return {
    id: sloId(index),
    service: `service-${index % 40}`,
    environment: ['production', 'staging', 'test'][index % 3] ?? 'test',
    ...{ interval, rules },
    good: 'sum(rate(http_requests_total{scenario="fleet",status!~"5.."}[{{window}}]))',
    total: 'sum(rate(http_requests_total{scenario="fleet"}[{{window}}]))',
  };
}

/** What the server makes of its file. */
export function sloModel(index: number, interval: string): Slo {
  return anSlo(optionsOf(index, interval));
}

/** A directory of so many SLOs, one a file. */
export async function writeSlos(workplace: Workplace, count: number, interval: string): Promise<string> {
  const directory = await mkdtemp(join(workplace.directory, 'slos-'));
  for (let index = 0; index < count; index++) {
    const document = sloDocument(optionsOf(index, interval));
    await writeFile(join(directory, `${sloId(index)}.yaml`), stringify(document));
  }
  return directory;
}

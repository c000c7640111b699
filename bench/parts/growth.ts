import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { bucketQuantile } from '../harness/exposition.ts';
import { sloId, writeSlos } from '../harness/fleet-files.ts';
import { startGate, type Gate } from '../harness/gate.ts';
import type { Part } from '../harness/part.ts';
import type { Result, Target } from '../harness/result.ts';
import { figureOf } from '../harness/statistics.ts';
import { startStubSource } from '../harness/stub.ts';
import { short } from '../harness/table.ts';
import { until } from '../harness/until.ts';
import { within, type Workplace } from '../harness/workplace.ts';

/** What a server costs with ever more SLOs at an evaluation a minute, of a source that answers in 5 ms. */
export const growth: Part = async (workplace, scale) => {
  const prometheusUrl = await startStubSource(workplace, 5);
  const measured: Grown[] = [];
  for (const count of scale.isQuick ? [1, 100] : [1, 100, 1_000, 10_000]) {
    // All loops take their turn in a minute; of fewer, a part of it tells enough.
    const watchMs = scale.pick(count === 10_000 ? 60_000 : 20_000, 3_000);
    measured.push(await within((place) => grown(place, prometheusUrl, count, watchMs)));
  }
  return measured.flatMap((one, index) => resultsOf(one, measured[index - 1]));
};

interface Grown {
  readonly count: number;
  readonly listeningMs: number;
  readonly readyMs: number;
  readonly residentMiB: number;
  readonly cpuPercent: number;
  readonly evaluations: number;
  readonly loopDelayMs: number;
  /** Null where no slot came up. */
  readonly latenessMs: number | null;
  readonly reloadMs: number;
}

async function grown(workplace: Workplace, prometheusUrl: string, count: number, watchMs: number): Promise<Grown> {
  const sloDir = join(workplace.directory, 'slos');
  writeSlos(sloDir, count);
  const gate = await startGate(workplace, { sloDir, prometheusUrl, env: { LOG_LEVEL: 'warn' } });
  const listeningMs = performance.now() - gate.startedMs;
  await until(() => gate.get('/readyz'));
  const readyMs = performance.now() - gate.startedMs;
  await wait(3_000); // what the start left behind
  const watched = await watch(gate, watchMs);
  writeSlos(sloDir, count, 2);
  const reloadMs = await timeOfReload(gate);
  return { count, listeningMs, readyMs, ...watched, reloadMs };
}

/** The percentiles of the event loop's delay begin anew with each reading, and count from a timer of this period. */
const timerMs = 10;

async function watch(gate: Gate, watchMs: number) {
  const before = await gate.metrics();
  const cpuBefore = gate.owned.cpuMs();
  await wait(watchMs);
  const cpuMs = gate.owned.cpuMs() - cpuBefore;
  const after = await gate.metrics();
  const evaluations = after.sum('aegis_evaluations_total') - before.sum('aegis_evaluations_total');
  const lateness = 'aegis_evaluation_slot_lateness_seconds';
  const slots = after.sum(`${lateness}_count`) - before.sum(`${lateness}_count`);
  return {
    residentMiB: gate.owned.residentBytes() / 1024 ** 2,
    cpuPercent: (100 * cpuMs) / watchMs,
    evaluations: evaluations * (60_000 / watchMs),
    loopDelayMs: Math.max(0, after.sum('nodejs_eventloop_lag_p99_seconds') * 1000 - timerMs),
    latenessMs: slots === 0 ? null : 1000 * bucketQuantile(before.buckets(lateness), after.buckets(lateness), 0.99),
  };
}

/** SIGHUP, until the first of the changed SLOs is served. */
async function timeOfReload(gate: Gate): Promise<number> {
  const startedMs = performance.now();
  gate.owned.child.kill('SIGHUP');
  await until(async () => {
    const { metadata } = JSON.parse(await gate.get(`/v1/slo/${sloId(0)}`)) as Document;
    if (metadata.labels?.revision !== '2') throw new Error('the SLOs were not read again');
  });
  return performance.now() - startedMs;
}

interface Document {
  readonly metadata: { readonly labels?: { readonly revision?: string } };
}

function resultsOf(grown: Grown, smaller: Grown | undefined): Result[] {
  const { count } = grown;
  const line = (
    what: string,
    unit: string,
    value: number,
    more: { limit?: number | undefined; note?: string } = {},
  ) => ({
    ...{ what: `${count.toLocaleString('en')} SLOs: ${what}`, unit, value: figureOf([value]) },
    ...(more.note !== undefined && { note: more.note }),
    ...(more.limit !== undefined && { target: atMost(more.limit) }),
  });
  const isLargest = count === 10_000;
  const perSlo = (of: (one: Grown) => number, unit: string, factor: number) =>
    smaller === undefined
      ? {}
      : { note: `${short(((of(grown) - of(smaller)) / (count - smaller.count)) * factor)} ${unit} more for each SLO` };
  return [
    line('memory', 'MiB', grown.residentMiB, {
      limit: isLargest ? 100 + (30 * count) / 1024 : undefined,
      ...perSlo((one) => one.residentMiB, 'KiB', 1024),
    }),
    line(
      'CPU',
      '% of a core',
      grown.cpuPercent,
      perSlo((one) => one.cpuPercent, 'ms a minute', 600),
    ),
    line('event-loop delay p99', 'ms', grown.loopDelayMs, { limit: isLargest ? 20 : undefined }),
    ...(grown.latenessMs === null
      ? []
      : [line('lateness of slots p99, at most', 'ms', grown.latenessMs, { limit: isLargest ? 250 : undefined })]),
    line(
      'start to listening',
      'ms',
      grown.listeningMs,
      perSlo((one) => one.listeningMs, 'ms', 1),
    ),
    line(
      'start to every SLO decided',
      'ms',
      grown.readyMs,
      perSlo((one) => one.readyMs, 'ms', 1),
    ),
    line(
      'reload with every file changed',
      'ms',
      grown.reloadMs,
      perSlo((one) => one.reloadMs, 'ms', 1),
    ),
  ];
}

function atMost(limit: number): Target {
  return { of: 'value', bound: 'at most', limit };
}

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { sloId, writeSlos } from './slo-files.ts';

/**
 * What the server costs with ever more SLOs, one count after the other:
 *
 *     npm run build && npx tsx bench/growth/run.ts 1 100 1000 10000
 *
 * `AEGIS_GROWTH_SECONDS` is how long each is watched once it is ready (default 75, more than an interval),
 * `AEGIS_GROWTH_NODE` flags of Node for the server, such as `--cpu-prof --cpu-prof-dir=/tmp/profiles`.
 */
const program = fileURLToPath(new URL(process.env.AEGIS_GROWTH_PROGRAM ?? '../../dist/server.js', import.meta.url));
const stub = fileURLToPath(new URL('../harness/stub-source.ts', import.meta.url));
const watchMs = Number(process.env.AEGIS_GROWTH_SECONDS ?? 75) * 1000;
const nodeFlags = (process.env.AEGIS_GROWTH_NODE ?? '').split(' ').filter((flag) => flag !== '');
const port = 18_000 + (process.pid % 1000);
const url = `http://127.0.0.1:${port}`;

const started: ChildProcess[] = [];
process.on('exit', () => {
  for (const child of started) child.kill('SIGKILL');
});

const rows: Record<string, string | number>[] = [];
for (const count of process.argv.slice(2).map(Number)) {
  const row = await measure(count);
  rows.push(row);
  process.stderr.write(`${JSON.stringify(row)}\n`);
}
console.table(rows);
process.exit(0);

async function measure(count: number): Promise<Record<string, string | number>> {
  const directory = mkdtempSync(join(tmpdir(), 'aegis-growth-'));
  const sloDir = join(directory, 'slos');
  writeSlos(sloDir, count);
  const source = spawn(process.execPath, ['--import', 'tsx', stub], { stdio: ['pipe', 'pipe', 'inherit'] });
  started.push(source);
  const sourcePort = Number(await new Promise((resolve) => source.stdout.once('data', resolve)));

  const startedMs = performance.now();
  const args = ['--slo-dir', sloDir, '--host', '127.0.0.1', '--port', String(port), '--db', join(directory, 'a.db')];
  const of = ['--adapter', 'prometheus', '--prometheus-url', `http://127.0.0.1:${sourcePort}`];
  const server = spawn(process.execPath, [...nodeFlags, program, ...args, ...of], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  started.push(server);
  const pid = server.pid ?? 0;
  await until(() => get('/healthz'));
  const listeningMs = performance.now() - startedMs;
  await decide(sloId(count - 1));
  const decidedMs = performance.now() - startedMs;
  await until(() => get('/readyz'));
  const readyMs = performance.now() - startedMs;
  const cpuToReadyMs = cpuMs(pid);

  const metricsMs = await timed(() => get('/metrics'));
  await wait(2_000);
  const before = await read();
  const cpuBefore = cpuMs(pid);
  await wait(watchMs);
  const cpuAfter = cpuMs(pid);
  const watched = await read();
  const rssMiB = statusKiB(pid, 'VmRSS') / 1024;
  const evaluations = watched.evaluations - before.evaluations;

  const lists = {
    sloMs: await timed(() => get('/v1/slo')),
    pageMs: await timed(() => get('/v1/decisions?limit=100')),
    stateMs: await timed(() => get('/v1/state/service-0/staging')),
  };
  writeSlos(sloDir, count, 2);
  const cpuBeforeReload = cpuMs(pid);
  const reload = await duringReload(() => reloadOf(server));
  const cpuReloadMs = cpuMs(pid) - cpuBeforeReload;
  const again = await timed(() => reloadOf(server));
  const peakMiB = Math.round(statusKiB(pid, 'VmHWM') / 1024);
  server.kill('SIGTERM');
  await new Promise((resolve) => server.once('exit', resolve));
  source.kill('SIGTERM');
  rmSync(directory, { recursive: true });
  return {
    slos: count,
    listeningMs: Math.round(listeningMs),
    decidedMs: Math.round(decidedMs),
    readyMs: Math.round(readyMs),
    cpuToReadyMs,
    rssMiB: Math.round(rssMiB),
    peakMiB,
    evaluations,
    cpuPercent: Math.round(((cpuAfter - cpuBefore) / watchMs) * 1000) / 10,
    latenessP99Ms: percentile(before.lateness, watched.lateness),
    loopP99Ms: Math.round(watched.loopP99 * 10_000) / 10,
    metricsMs,
    metricsKiB: Math.round(watched.bytes / 1024),
    ...lists,
    reloadMs: reload.ms,
    cpuReloadMs,
    reloadSlowestMs: reload.slowestMs,
    reloadSameMs: again,
  };
}

/** The slowest decision that is asked while the directory is read again. */
async function duringReload(reload: () => Promise<unknown>): Promise<{ ms: number; slowestMs: number }> {
  let slowestMs = 0;
  const over = new AbortController();
  const asking = (async () => {
    while (!over.signal.aborted) {
      slowestMs = Math.max(slowestMs, await timed(() => decide(sloId(0))));
      await wait(5);
    }
  })();
  const ms = await timed(reload);
  await wait(3_000);
  over.abort();
  await asking;
  return { ms, slowestMs };
}

async function get(path: string): Promise<string> {
  const response = await fetch(url + path);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${text.slice(0, 200)}`);
  return text;
}

/** SIGHUP, until the catalogue tells of a reading that began after it. */
async function reloadOf(server: ChildProcess): Promise<void> {
  const before = await lastReload();
  server.kill('SIGHUP');
  await until(async () => {
    if ((await lastReload()) === before) throw new Error('not reloaded');
  });
}

async function lastReload(): Promise<string> {
  return (JSON.parse(await get('/v1/status')) as { lastReload: { at: string } }).lastReload.at;
}

async function decide(sloID: string): Promise<void> {
  const response = await fetch(`${url}/v1/gate/decision`, { method: 'POST', body: JSON.stringify({ sloID }) });
  const text = await response.text();
  if (response.status !== 200) throw new Error(text);
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const begunMs = performance.now();
  await act();
  return Math.round((performance.now() - begunMs) * 10) / 10;
}

async function until(act: () => Promise<unknown>): Promise<void> {
  const begunMs = performance.now();
  for (;;) {
    try {
      await act();
      return;
    } catch (error) {
      if (performance.now() - begunMs > 180_000) throw error;
    }
    await wait(20);
  }
}

interface Read {
  readonly evaluations: number;
  readonly loopP99: number;
  readonly lateness: ReadonlyMap<number, number>;
  readonly bytes: number;
}

/** prom-client's percentile of the event loop's delay begins anew with each reading. */
async function read(): Promise<Read> {
  const text = await get('/metrics');
  const value = (pattern: RegExp) =>
    [...text.matchAll(pattern)].reduce((sum, [, found]) => sum + Number(found ?? 0), 0);
  const buckets = text.matchAll(/^aegis_evaluation_slot_lateness_seconds_bucket\{le="([^"]+)"\} (\d+)$/gm);
  return {
    evaluations: value(/^aegis_evaluations_total\{[^}]*\} (\d+)$/gm),
    loopP99: value(/^nodejs_eventloop_lag_p99_seconds (\S+)$/gm),
    lateness: new Map([...buckets].map(([, le, count]) => [le === '+Inf' ? Infinity : Number(le), Number(count)])),
    bytes: text.length,
  };
}

/** The upper bound of the bucket that holds the 99th of a hundred. */
function percentile(before: Read['lateness'], after: Read['lateness']): number | string {
  const counts = [...after].map(([le, count]) => [le, count - (before.get(le) ?? 0)] as const);
  const total = counts.at(-1)?.[1] ?? 0;
  const found = counts.find(([, count]) => count >= 0.99 * total);
  return found === undefined || total === 0 ? 'n/a' : `<= ${found[0] * 1000}`;
}

function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function statusKiB(pid: number, field: string): number {
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

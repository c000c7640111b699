import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SloDocument } from '../../src/slo/model.ts';
import { eventually } from './eventually.ts';
import { freePort } from './prometheus.ts';

const program = fileURLToPath(new URL('../../dist/server.js', import.meta.url));

export interface GateOptions {
  readonly slos?: readonly SloDocument[];
  /** Other files of the SLO directory, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** Synthetic fixtures by SLO id; used where there is no Prometheus. */
  readonly fixtures?: Readonly<Record<string, unknown>>;
  readonly prometheusUrl?: string;
  /** Default: a file in its own directory. */
  readonly db?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The answer of the gate, as far as tests look at it. */
export interface Answer {
  readonly decision: string;
  readonly timestamp: string;
  readonly ttl: number;
  readonly isStale: boolean;
  readonly hasNoTraffic: boolean;
  readonly reasons: readonly string[];
  readonly reasonCodes: readonly string[];
  readonly evaluationID: string;
  readonly audited?: boolean;
  readonly age: number;
  readonly burnRates: Readonly<Record<string, { burnRate: number | null; threshold?: number }>>;
  readonly sli: { value: number | null; errorRate: number | null; budgetRemaining: number | null };
  readonly notes: readonly string[];
}

/** The built server as its users start it: a process of its own, in a directory of its own, on a free port. */
export interface GateServer {
  readonly url: string;
  readonly port: number;
  readonly directory: string;
  readonly sloDir: string;
  readonly fixtureDir: string;
  readonly db: string;
  readonly process: () => ChildProcess;
  /** Starts it (again) and waits until `/healthz` answers. */
  start(): Promise<void>;
  /** SIGTERM; the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Kills what runs and removes the directory. */
  remove(): Promise<void>;
  /** stdout and stderr of all starts. */
  log(): string;
  /** The JSON lines of the log. */
  lines(): readonly Record<string, unknown>[];
  get(path: string): Promise<{ status: number; body: unknown }>;
  decide(sloID: string, forceFresh?: boolean): Promise<Answer>;
  /** Waits until the decision is this one. */
  waitFor(sloID: string, decision: string, boundMs?: number): Promise<Answer>;
  writeSlo(document: SloDocument): Promise<void>;
  writeFile(name: string, text: string): Promise<void>;
  writeFixture(sloId: string, content: unknown): Promise<void>;
  /** What the `sqlite3` command prints, as an operator beside the server sees it. */
  sql(statement: string): readonly string[];
}

export async function createGate(options: GateOptions = {}): Promise<GateServer> {
  const directory = await mkdtemp(join(tmpdir(), 'aegis-gate-'));
  const sloDir = join(directory, 'slos');
  const fixtureDir = join(directory, 'fixtures');
  const db = options.db ?? join(directory, 'aegis.db');
  const logFile = join(directory, 'server.log');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let child: ChildProcess | undefined;

  async function replace(path: string, text: string): Promise<void> {
    await writeFile(`${path}.tmp`, text);
    await rename(`${path}.tmp`, path);
  }

  const gate: GateServer = {
    url,
    port,
    directory,
    sloDir,
    fixtureDir,
    db,
    process() {
      if (child === undefined) throw new Error('the server was not started');
      return child;
    },
    async start() {
      const log = openSync(logFile, 'a');
      const source = options.prometheusUrl
        ? ['--adapter', 'prometheus', '--prometheus-url', options.prometheusUrl]
        : ['--adapter', 'synthetic', '--synthetic-fixtures', fixtureDir];
      const common = ['--slo-dir', sloDir, '--host', '127.0.0.1', '--port', String(port), '--db', db];
      child = spawn(process.execPath, [program, ...common, ...source, ...(options.args ?? [])], {
        cwd: directory,
        env: { PATH: process.env.PATH, ...options.env },
        stdio: ['ignore', log, log],
      });
      closeSync(log);
      await eventually(async () => {
        if (hasEnded(child)) return;
        const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2_000) });
        if (response.status !== 200) throw new Error(`/healthz answered ${response.status}:\n${gate.log()}`);
      }, 100_000);
      if (hasEnded(child)) {
        throw new Error(`the server ended with ${child.exitCode ?? child.signalCode ?? ''}:\n${gate.log()}`);
      }
    },
    async stop() {
      const running = gate.process();
      if (hasEnded(running)) return running.exitCode;
      running.kill('SIGTERM');
      const kill = setTimeout(() => running.kill('SIGKILL'), 20_000);
      await once(running, 'exit');
      clearTimeout(kill);
      return running.exitCode;
    },
    async kill() {
      const running = gate.process();
      if (hasEnded(running)) return;
      running.kill('SIGKILL');
      await once(running, 'exit');
    },
    async remove() {
      if (child !== undefined) await gate.kill();
      await rm(directory, { recursive: true, force: true });
    },
    log: () => readFileSync(logFile, 'utf8'),
    lines: () =>
      gate
        .log()
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    async get(path) {
      const response = await fetch(url + path, { signal: AbortSignal.timeout(20_000) });
      return { status: response.status, body: await response.json() };
    },
    async decide(sloID, forceFresh) {
      const response = await fetch(`${url}/v1/gate/decision`, {
        method: 'POST',
        body: JSON.stringify({ sloID, ...(forceFresh !== undefined && { forceFresh }) }),
        signal: AbortSignal.timeout(20_000),
      });
      const text = await response.text();
      if (response.status !== 200) throw new Error(`${response.status} ${text}`);
      return JSON.parse(text) as Answer;
    },
    waitFor: (sloID, decision, boundMs) =>
      eventually(async () => {
        const answer = await gate.decide(sloID);
        if (answer.decision !== decision) throw new Error(`${answer.decision}: ${answer.reasons.join('; ')}`);
        return answer;
      }, boundMs),
    writeSlo: (document) => gate.writeFile(`${document.metadata.id}.yaml`, JSON.stringify(document, null, 2)),
    writeFile: (name, text) => replace(join(sloDir, name), text),
    writeFixture: (sloId, content) => replace(join(fixtureDir, `${sloId}.json`), JSON.stringify(content)),
    sql: (statement) =>
      execFileSync('sqlite3', [db], { input: `.timeout 5000\n${statement}`, encoding: 'utf8', timeout: 60_000 })
        .split('\n')
        .filter((line) => line !== ''),
  };

  await mkdir(sloDir);
  await mkdir(fixtureDir);
  for (const document of options.slos ?? []) await gate.writeSlo(document);
  for (const [name, text] of Object.entries(options.files ?? {})) await gate.writeFile(name, text);
  for (const [id, content] of Object.entries(options.fixtures ?? {})) await gate.writeFixture(id, content);
  return gate;
}

function hasEnded(child: ChildProcess | undefined): boolean {
  return typeof child?.exitCode === 'number' || typeof child?.signalCode === 'string';
}

import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { request } from 'undici';
import { readExposition, type Exposition } from './exposition.ts';
import { freePort, untilListening } from './port.ts';
import { hasEnded, startProcess, type Owned } from './process.ts';
import { root } from './programs.ts';
import type { Workplace } from './workplace.ts';

export interface GateOptions {
  readonly sloDir: string;
  /** The metrics source; absent: fixtures, of which there are none. */
  readonly prometheusUrl?: string;
  readonly syntheticFixtures?: string;
  readonly db?: string;
  readonly args?: readonly string[];
  /** Of Node, such as `--cpu-prof`. */
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The built server, a process of its own. */
export interface Gate {
  readonly owned: Owned;
  readonly url: string;
  readonly port: number;
  readonly db: string;
  /** When it was started, on the clock of `performance.now()`. */
  readonly startedMs: number;
  listening(): Promise<void>;
  /** The body of the answer; throws where it is none of 200. */
  get(path: string): Promise<string>;
  decide(sloID: string, more?: { readonly forceFresh: boolean }): Promise<string>;
  metrics(): Promise<Exposition>;
  stop(): Promise<void>;
}

/** Starts it, and does not wait. */
export async function launchGate(workplace: Workplace, options: GateOptions): Promise<Gate> {
  const directory = await mkdtemp(join(workplace.directory, 'gate-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const db = options.db ?? join(directory, 'aegis.db');
  const logFile = join(directory, 'server.log');
  const source = options.prometheusUrl
    ? ['--adapter', 'prometheus', '--prometheus-url', options.prometheusUrl]
    : ['--adapter', 'synthetic', '--synthetic-fixtures', options.syntheticFixtures ?? directory];
  const common = ['--slo-dir', options.sloDir, '--host', '127.0.0.1', '--port', String(port), '--db', db];
  const program = [...(options.nodeArgs ?? []), join(root, 'dist', 'server.js')];
  const startedMs = performance.now();
  const owned = startProcess(workplace, {
    command: process.execPath,
    args: [...program, ...common, ...source, ...(options.args ?? [])],
    cwd: directory,
    logFile,
    ...(options.env !== undefined && { env: options.env }),
  });
  const gate: Gate = {
    ...{ owned, url, port, db, startedMs },
    async listening() {
      await untilListening(port, () => hasEnded(owned.child)).catch(async (error: unknown) => {
        throw new Error(`the server did not start:\n${await readFile(logFile, 'utf8')}`, { cause: error });
      });
    },
    get: (path) => answerOf(url + path, { method: 'GET' }),
    decide: (sloID, more) =>
      answerOf(`${url}/v1/gate/decision`, { method: 'POST', body: JSON.stringify({ sloID, ...more }) }),
    metrics: async () => readExposition(await gate.get('/metrics')),
    stop: () => owned.stop(),
  };
  return gate;
}

export async function startGate(workplace: Workplace, options: GateOptions): Promise<Gate> {
  const gate = await launchGate(workplace, options);
  await gate.listening();
  return gate;
}

async function answerOf(url: string, options: { method: 'GET' | 'POST'; body?: string }): Promise<string> {
  const { statusCode, body } = await request(url, { ...options, headersTimeout: 60_000 });
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`${url} answered ${statusCode}: ${text.slice(0, 500)}`);
  return text;
}

/** Writes a fixture of a healthy service, and gives the directory. */
export async function writeFixture(directory: string, sloId: string, windows: readonly string[]): Promise<string> {
  const healthy = windows.map((window): [string, object] => [window, { good: 99_950, total: 100_000 }]);
  await writeFile(join(directory, `${sloId}.json`), JSON.stringify({ windows: Object.fromEntries(healthy) }));
  return directory;
}

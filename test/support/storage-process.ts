import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import type { Evaluation } from '../../src/policy/decision-source.ts';
import type { Appended, DefinedSlo, ServedDecision } from '../../src/storage/ports.ts';
import type { AuditPage } from '../contract/audit-page.ts';
import { eventually } from './eventually.ts';
import type { LogLine } from './recording-log.ts';

// Run by node as it stands: one JSON line a request, one an answer, one for each line of the log.
const program = `
import { createInterface } from 'node:readline';
import { openSqliteStorage } from ${JSON.stringify(new URL('../../src/storage/sqlite/open-storage.ts', import.meta.url).href)};

const send = (message) => process.stdout.write(JSON.stringify(message) + '\\n');
const line = (level) => (message, fields) => send({ line: { level, message, fields } });
const log = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
let storage;
const calls = {
  open: async (path) => {
    storage = await openSqliteStorage({ path, log, encodeEvidence: ({ id }) => JSON.stringify({ evidenceOf: id }) });
    return storage.state();
  },
  append: (evaluations) => Promise.all(evaluations.map((one) => storage.log.append(one))),
  serve: (decisions) => {
    for (const one of decisions) storage.activity.served(one);
  },
  served: async () => JSON.parse(Buffer.from(await storage.activityReader.decisions({ limit: 1_000 })).toString()),
  define: (slos) => storage.log.define(slos),
  flush: (boundMs) => storage.log.flush(boundMs),
  page: async (filter) => JSON.parse(Buffer.from(await storage.reader.page(filter)).toString()),
  stats: () => storage.log.stats(),
  state: () => storage.state(),
  close: (boundMs) => storage.close(boundMs),
};
createInterface({ input: process.stdin }).on('line', async (text) => {
  const { id, name, argument } = JSON.parse(text);
  try {
    send({ id, value: await calls[name](argument) });
  } catch (error) {
    send({ id, error: { code: error.code, message: error.message } });
  }
}).on('close', () => process.exit());
`;

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: { readonly code?: string; readonly message: string };
}

/** A storage in a process of its own, which can be killed. */
export interface StorageProcess {
  readonly pid: number;
  readonly lines: readonly LogLine[];
  append(evaluations: readonly Evaluation[]): Promise<Appended[]>;
  serve(decisions: readonly ServedDecision[]): Promise<void>;
  /** Request ids of the decisions that were served, newest first. */
  served(): Promise<string[]>;
  define(slos: readonly DefinedSlo[]): Promise<void>;
  flush(boundMs: number): Promise<void>;
  page(filter?: object): Promise<AuditPage>;
  state(): Promise<string>;
  /** Resolves when the log has a line that matches. */
  logged(pattern: RegExp): Promise<LogLine>;
  /** Closes the storage and ends the process. */
  stop(): Promise<void>;
  /** SIGSTOP: it holds its locks, and looks at nothing. */
  pause(): void;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
}

export async function startStorageProcess(path: string): Promise<StorageProcess> {
  const args = ['--import=tsx', '--input-type=module', '-e', program];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: LogLine[] = [];
  const call = caller(child, lines);
  await call('open', path);
  return {
    pid: child.pid!,
    lines,
    append: (evaluations) => call('append', evaluations) as Promise<Appended[]>,
    serve: (decisions) => call('serve', decisions) as Promise<void>,
    async served() {
      const { records } = (await call('served')) as {
        records: readonly { requestIds: readonly string[] }[];
      };
      return records.flatMap(({ requestIds }) => requestIds.toReversed());
    },
    define: (slos) => call('define', slos) as Promise<void>,
    flush: (boundMs) => call('flush', boundMs) as Promise<void>,
    page: (filter) => call('page', { limit: 1_000, ...filter }) as Promise<AuditPage>,
    state: () => call('state') as Promise<string>,
    logged: (pattern) =>
      eventually(() => {
        const found = lines.find((line) => pattern.test(line.message));
        if (found === undefined) throw new Error(`no line ${pattern} among ${JSON.stringify(lines)}`);
        return found;
      }),
    async stop() {
      await call('close', 20_000);
      child.stdin.end();
      await gone;
    },
    pause: () => void child.kill('SIGSTOP'),
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}

function caller(child: ChildProcess, lines: LogLine[]) {
  const waiting = new Map<number, (answer: Answer) => void>();
  createInterface({ input: child.stdout! }).on('line', (text) => {
    const message = JSON.parse(text) as Answer | { readonly line: LogLine };
    if ('line' in message) lines.push(message.line);
    else waiting.get(message.id)?.(message);
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.stdin!.on('error', () => undefined); // what was asked of a killed process is rejected by its end
  let next = 0;
  return (name: string, argument?: unknown): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const id = next++;
      waiting.set(id, ({ value, error }) =>
        error === undefined ? resolve(value) : reject(Object.assign(new Error(error.message), { code: error.code })),
      );
      ended.then(() => reject(new Error(`the process ended before it answered ${name}`)), reject);
      child.stdin!.write(`${JSON.stringify({ id, name, argument })}\n`);
    });
}
